package import Numerics

/// The training augmentation of CIFAR: a square from the middle, randomly flipped horizontally and
/// shifted by a few pixels.
///
/// The order is OpenOOD's: resize the shorter side, cut the square from the middle, flip it
/// horizontally with probability one half, add `padding` black pixels on each side, and cut a
/// square of the original size at a uniformly random position.
package struct PaddedCropTransform: ImageTransform {
    /// Height and width of the square, in pixels.
    package let size: Int
    /// Black pixels added on each side, which is also the largest shift.
    package let padding: Int
    /// Whether half of the images are flipped horizontally.
    package let flips: Bool
    package let normalization: ChannelNormalization
    package let decoding: JPEGDecoding
    package let colors: ColorJitter?

    package init(
        size: Int, padding: Int = 4, flips: Bool = true, normalization: ChannelNormalization,
        decoding: JPEGDecoding = .exact, colors: ColorJitter? = nil
    ) {
        precondition(size >= 1 && padding >= 0, "squares of \(size) with a padding of \(padding)")
        self.size = size
        self.padding = padding
        self.flips = flips
        self.normalization = normalization
        self.decoding = decoding
        self.colors = colors
    }

    /// The random choices for one image.
    package struct Draw: Equatable, Sendable {
        package let isFlipped: Bool
        /// First row of the square in the padded image, in `0...2 * padding`.
        package let top: Int
        /// First column, likewise.
        package let left: Int
    }

    package func draw(from stream: RandomStream) -> Draw {
        var stream = stream
        let isFlipped = stream.uniform() < 0.5 && flips
        let top = stream.integer(below: 2 * padding + 1)
        return Draw(isFlipped: isFlipped, top: top, left: stream.integer(below: 2 * padding + 1))
    }

    package func geometry(width: Int, height: Int, stream: RandomStream) -> CropGeometry {
        let draw = draw(from: stream)
        var geometry = CropGeometry(
            imageWidth: width, imageHeight: height, shorterSide: size, square: size)
        geometry.isFlipped = draw.isFlipped
        geometry.shiftX = draw.left - padding
        geometry.shiftY = draw.top - padding
        return geometry
    }
}
