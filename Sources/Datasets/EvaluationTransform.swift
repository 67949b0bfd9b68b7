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

    public func write(_ image: RGBImage, stream: RandomStream, into pixels: inout MutableSpan<Float>)
        throws(DatasetError)
    {
        if shorterSide == nil && (image.width != size || image.height != size) {
            throw DatasetError(
                action: "transform", place: "image of \(image.width)×\(image.height)",
                reason: "expected \(size)×\(size)", remedy: "set data.transform.resize")
        }
        let image = image.shorterSideResized(to: shorterSide ?? size)
        let offset = image.centerOffset(size: size)
        image.writeSquare(
            x: offset.x, y: offset.y, size: size, isMirrored: false, normalization: normalization,
            into: &pixels)
    }
}
