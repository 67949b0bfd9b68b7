package import Kernels

extension ConvolutionShape {
    /// Multiply-accumulates of a direct convolution for one image, `P·Q·K·R·S·C`, whatever
    /// algorithm computes it.
    package var multiplyAccumulates: Int { outputCount * patchCount }
}

extension Classifier {
    /// Multiply-accumulates of one image's forward pass: the convolutions and the last layer, or
    /// the two linear layers of a projection head.
    ///
    /// A training step takes about three times as many: each convolution computes two gradients.
    package var multiplyAccumulates: Int {
        let head =
            switch headKind {
            case .linear, .t2fnorm: featureDimension * classes
            case .projection(let outputs): featureDimension * (featureDimension + outputs)
            }
        return convolutionShapes.reduce(head) { $0 + $1.multiplyAccumulates }
    }
}
