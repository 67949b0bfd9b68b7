extension Convolution {
    /// The algorithms of low precision that can compute a shape, beside those of
    /// `algorithms(for:)`.
    package static func mixedAlgorithms(for shape: ConvolutionShape) -> [ConvolutionAlgorithm] {
        WinogradConvolution.supports(shape) ? [.winogradInt14, .tiledInt14] : [.tiledInt14]
    }

    /// The algorithm for a shape in mixed precision.
    ///
    /// Single precision stays where integers gain nothing: in convolutions of images, which are also
    /// the most sensitive to rounding, and in Winograd with few channels, whose tiles are converted
    /// to integers for few products.
    package static func mixedAlgorithm(for shape: ConvolutionShape) -> ConvolutionAlgorithm {
        let single = algorithms(for: shape)[0]
        if shape.channels < vectorWidth { return single }
        guard single == .winograd && shape.stride == 1 else { return .tiledInt14 }
        return min(shape.channels, shape.outputChannels) < 128 ? .winograd : .winogradInt14
    }
}
