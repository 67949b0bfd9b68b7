package import Numerics

/// Converts a stored image to the input of a network.
///
/// A transform is a pure function of the image and a stream of random numbers keyed by seed, epoch
/// and record; it does not depend on the thread or the time of the call.
package protocol ImageTransform: Sendable {
    /// Height and width of the result, in pixels.
    var size: Int { get }
    var normalization: ChannelNormalization { get }
    /// How a JPEG may be decoded: to its exact pixels, or scaled and faster.
    var decoding: JPEGDecoding { get }
    /// Random colour changes of the resized image, drawn from branch 1 of the image's stream; `nil`
    /// for none.
    var colors: ColorJitter? { get }

    /// The source of the result's pixels in an image of `width` × `height`.
    ///
    /// - Parameter stream: The image's own random numbers; a deterministic transform does not use
    ///   them.
    /// - Throws: `DatasetError` if the transform cannot be applied to an image of this size.
    func geometry(width: Int, height: Int, stream: RandomStream) throws(DatasetError) -> CropGeometry
}

/// How a JPEG is decoded for a transform.
package enum JPEGDecoding: String, CaseIterable, Sendable {
    /// The library's exact pixels, equal to Pillow's.
    case exact
    /// At an eighth, a quarter or half of its size if the transform shrinks it at least as much:
    /// faster, but with different pixels.
    case scaled
}

extension ImageTransform {
    package var decoding: JPEGDecoding { .exact }
    package var colors: ColorJitter? { nil }

    /// Overwrites `pixels` with the transformed image.
    ///
    /// - Parameter pixels: Shape `[size, size, 3]`.
    /// - Throws: What `geometry` throws.
    package func write(_ image: RGBImage, stream: RandomStream, into pixels: inout MutableSpan<Float>)
        throws(DatasetError)
    {
        let workspace = ImageWorkspace()
        workspace.hold(image)
        try workspace.write(self, stream: stream, into: &pixels)
    }
}
