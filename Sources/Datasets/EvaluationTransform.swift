public import Kernels

/// Shorter side resized, a square cut from the middle, normalised: nothing is left to chance.
///
/// OpenOOD's test transform: 32 and 32 for CIFAR, 256 and 224 for ImageNet; for ImageNet-C, whose images have
/// the network's size already, no resize.
public struct EvaluationTransform: ImageTransform {
    /// Height and width of the square, in pixels.
    public let size: Int
    /// The shorter side before the square is cut, in pixels; `nil` takes images of exactly `size` × `size` only.
    public let shorterSide: Int?
    public let normalization: ChannelNormalization

    /// - Precondition: `shorterSide` is not below `size`.
    public init(size: Int, shorterSide: Int?, normalization: ChannelNormalization) {
        precondition(
            size >= 1 && (shorterSide ?? size) >= size,
            "a square of \(size) cut from images with a shorter side of \(shorterSide ?? size)")
        self.size = size
        self.shorterSide = shorterSide
        self.normalization = normalization
    }

    /// The transform for images that have the network's size already, such as ImageNet-C's: no resize.
    public var withoutResize: EvaluationTransform {
        EvaluationTransform(size: size, shorterSide: nil, normalization: normalization)
    }

    public func placement(width: Int, height: Int, stream: RandomStream) throws(DatasetError)
        -> ImagePlacement
    {
        if shorterSide == nil && (width != size || height != size) {
            throw DatasetError(
                action: "transform", place: "image of \(width)×\(height)",
                reason: "expected \(size)×\(size)", remedy: "set data.transform.resize")
        }
        return ImagePlacement(
            imageWidth: width, imageHeight: height, shorterSide: shorterSide ?? size, square: size)
    }
}
