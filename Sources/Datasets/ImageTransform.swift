public import Kernels

/// From a stored image to what a network gets.
///
/// A transform is a pure function of the image and a stream of random numbers, which is keyed by seed, epoch and
/// record: nothing depends on who calls it when.
public protocol ImageTransform: Sendable {
    /// Height and width of the result, in pixels.
    var size: Int { get }
    var normalization: ChannelNormalization { get }
    /// How far a JPEG may be decoded from its exact pixels.
    var decoding: JPEGDecoding { get }
    /// What becomes of the colours of the resized image, drawn from the first branch of the image's stream; `nil` for nothing.
    var colors: ColorJitter? { get }

    /// Where the result's pixels come from in an image of `width` × `height`.
    ///
    /// - Parameter stream: The image's own random numbers; a transform without chance leaves them alone.
    /// - Throws: `DatasetError` if the transform has no meaning for an image of this size.
    func placement(width: Int, height: Int, stream: RandomStream) throws(DatasetError) -> ImagePlacement
}

/// How a JPEG is decoded for a transform.
public enum JPEGDecoding: String, CaseIterable, Sendable {
    /// The library's exact pixels, as Pillow has them.
    case exact
    /// At an eighth, a quarter or half of its size where the transform shrinks it at least as much: quicker, with other pixels.
    case scaled
}

extension ImageTransform {
    public var decoding: JPEGDecoding { .exact }
    public var colors: ColorJitter? { nil }

    /// Overwrites `pixels` with the transformed image.
    ///
    /// - Parameter pixels: Shape `[size, size, 3]`.
    /// - Throws: What `placement` throws.
    public func write(_ image: RGBImage, stream: RandomStream, into pixels: inout MutableSpan<Float>)
        throws(DatasetError)
    {
        let workspace = ImageWorkspace()
        workspace.hold(image)
        try workspace.write(self, stream: stream, into: &pixels)
    }
}
