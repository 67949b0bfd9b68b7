public import Kernels

extension ConvolutionShape {
    /// Multiply-accumulates of one image, `P·Q·K·R·S·C`, however they are done.
    public var multiplyAccumulates: Int { outputCount * patchCount }
}

extension Classifier {
    /// Multiply-accumulates of one image's forward pass: the convolutions and the last layer.
    ///
    /// A training step takes about three times as many: each convolution has two gradients.
    public var multiplyAccumulates: Int {
        convolutionShapes.reduce(featureDimension * classes) { $0 + $1.multiplyAccumulates }
    }
}
