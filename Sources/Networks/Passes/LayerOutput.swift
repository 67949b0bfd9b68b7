internal import Kernels

/// A layer's output for a batch; valid only during the observer's call.
package struct LayerOutput: ~Escapable {
    /// The kind of the layer.
    package enum Kind: Equatable, Sendable {
        /// A convolution, before its normalisation.
        case convolution
        /// A ReLU.
        case relu
        /// A stage; 0 is the stem with its pooling.
        case stage(Int)
    }

    package let kind: Kind
    /// Channels of the map.
    package let channels: Int
    /// Positions of the map, height times width.
    package let positions: Int
    private let values: Span<Float>
    /// Scale, then shift; empty for finished values.
    private let coefficients: Span<Float>
    private let floor: Float

    /// - Parameters:
    ///   - values: Shape `[N, positions, channels]`.
    ///   - coefficients: Scale, then shift; empty for finished values.
    @_lifetime(copy values, copy coefficients)
    init(
        _ kind: Kind, _ values: Span<Float>, coefficients: Span<Float> = Span(), appliesReLU: Bool = false,
        channels: Int, positions: Int
    ) {
        self.kind = kind
        self.channels = channels
        self.positions = positions
        self.values = values
        self.coefficients = coefficients
        floor = appliesReLU ? 0 : -.infinity
    }

    /// The map of one sample, shape `[positions, channels]`.
    package func map(ofSample sample: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(positions * channels)
        let start = sample * positions * channels
        for place in 0..<positions {
            for c in 0..<channels {
                var value = values[start + place * channels + c]
                if !coefficients.isEmpty {
                    value = coefficients[channels + c].addingProduct(value, coefficients[c])
                }
                result.append(value < floor ? floor : value)
            }
        }
        return result
    }
}

/// Receives the outputs of layers.
package typealias LayerObserver = (borrowing LayerOutput) -> Void
