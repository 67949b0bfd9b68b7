package import Numerics

/// Deterministic transform: resizes the shorter side, cuts a square from the middle and normalises
/// it.
///
/// This is OpenOOD's test transform: `shorterSide` and `size` are 32 and 32 for CIFAR, 256 and 224
/// for ImageNet. ImageNet-C, whose images already have the network's input size, is not resized.
package struct EvaluationTransform: ImageTransform {
    /// Height and width of the square, in pixels.
    package let size: Int
    /// The shorter side after the resize and before the crop, in pixels; `nil` for no resize, which
    /// accepts only images of exactly `size` × `size`.
    package let shorterSide: Int?
    package let normalization: ChannelNormalization

    /// - Precondition: `shorterSide` is not below `size`.
    package init(size: Int, shorterSide: Int?, normalization: ChannelNormalization) {
        precondition(
            size >= 1 && (shorterSide ?? size) >= size,
            "a square of \(size) cut from images with a shorter side of \(shorterSide ?? size)")
        self.size = size
        self.shorterSide = shorterSide
        self.normalization = normalization
    }

    /// The transform without resize, for images that already have the network's input size, such as
    /// ImageNet-C's.
    package var withoutResize: EvaluationTransform {
        EvaluationTransform(size: size, shorterSide: nil, normalization: normalization)
    }

    package func geometry(width: Int, height: Int, stream: RandomStream) throws(DatasetError)
        -> CropGeometry
    {
        if shorterSide == nil && (width != size || height != size) {
            throw DatasetError(
                action: "transform", place: "image of \(width)×\(height)",
                reason: "expected \(size)×\(size)", remedy: "set data.transform.resize")
        }
        return CropGeometry(
            imageWidth: width, imageHeight: height, shorterSide: shorterSide ?? size, square: size)
    }
}
