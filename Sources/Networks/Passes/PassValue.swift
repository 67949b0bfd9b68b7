internal import Kernels

/// A layer's result in a pass: how others read it, and what is known of its gradient.
final class PassValue {
    let view: MapView
    let map: LayerGraph.Map
    /// What masks its gradient once it is complete.
    var mask = GradientMask.none
    /// Whether it is a sum, so that others need its gradient as a tensor.
    var isSum = false
    /// How the values are computed again in the backward pass; `nil` if they are kept.
    var recomputation: Recomputation?
    /// Whether a layer that is trained, or the images if their gradient is asked for, lie before it.
    let needsGradient: Bool
    /// Layers that read it and have not yet contributed to its gradient.
    var readers = 0

    /// Sum of the contributions so far; complete and masked when no readers are left.
    var gradient: PassTensor<Float>?
    /// The complete gradient as a convolution reads it, if not `gradient`.
    var gradientView: GradientView?
    /// Whether the sums over `gradient` were computed for the normalisation that reads it.
    var hasSums = false
    /// The values in the backward pass.
    var recomputed: PassTensor<Float>?

    enum Recomputation {
        case sum(PassValue, PassValue, appliesReLU: Bool)
        case subsampling(PassValue, ConvolutionShape)
        case dropout(PassValue, Dropout)
    }

    init(_ view: MapView, _ map: LayerGraph.Map, needsGradient: Bool) {
        self.view = view
        self.map = map
        self.needsGradient = needsGradient
    }
}
