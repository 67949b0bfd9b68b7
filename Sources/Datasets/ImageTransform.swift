public import Kernels

/// From a stored image to what a network gets.
///
/// A transform is a pure function of the image and a stream of random numbers, which is keyed by seed, epoch and
/// record: nothing depends on who calls it when.
public protocol ImageTransform: Sendable {
    /// Height and width of the result, in pixels.
    var size: Int { get }

    /// Overwrites `pixels` with the transformed image.
    ///
    /// - Parameters:
    ///   - stream: The image's own random numbers; a transform without chance leaves them alone.
    ///   - pixels: Shape `[size, size, 3]`.
    /// - Throws: `DatasetError` if the transform has no meaning for an image of this size.
    func write(_ image: RGBImage, stream: RandomStream, into pixels: inout MutableSpan<Float>)
        throws(DatasetError)
}

extension RGBImage {
    /// Resizes so that the shorter side becomes `size`; the longer one is rounded down, as torchvision does.
    func shorterSideResized(to size: Int) -> RGBImage {
        if min(width, height) == size { return self }
        return width <= height
            ? resized(width: size, height: size * height / width)
            : resized(width: size * width / height, height: size)
    }

    /// Where a square of `size` in the middle begins; torchvision rounds halves to even.
    func centerOffset(size: Int) -> (x: Int, y: Int) {
        (Self.halved(width - size), Self.halved(height - size))
    }

    private static func halved(_ difference: Int) -> Int {
        Int((Double(difference) / 2).rounded(.toNearestOrEven))
    }
}
