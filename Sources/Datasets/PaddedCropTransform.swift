public import Kernels

/// The training augmentation of CIFAR: a square from the middle, mirrored or not, moved by some pixels.
///
/// In OpenOOD's order: resize the shorter side, cut the square from the middle, mirror with probability one half, cut a square
/// of the same size at a uniform position after adding `padding` black pixels on each side.
public struct PaddedCropTransform: ImageTransform {
    /// Height and width of the square, in pixels.
    public let size: Int
    /// Black pixels added on each side, and so the farthest move.
    public let padding: Int
    /// Whether half of the images are mirrored.
    public let mirrors: Bool
    public let normalization: ChannelNormalization
    public let decoding: JPEGDecoding
    public let colors: ColorJitter?

    public init(
        size: Int, padding: Int = 4, mirrors: Bool = true, normalization: ChannelNormalization,
        decoding: JPEGDecoding = .exact, colors: ColorJitter? = nil
    ) {
        precondition(size >= 1 && padding >= 0, "squares of \(size) with a padding of \(padding)")
        self.size = size
        self.padding = padding
        self.mirrors = mirrors
        self.normalization = normalization
        self.decoding = decoding
        self.colors = colors
    }

    /// What is drawn for one image.
    package struct Draw: Equatable, Sendable {
        package let isMirrored: Bool
        /// Where the square begins in the padded image, in `0...2 * padding`.
        package let top: Int
        package let left: Int
    }

    package func draw(from stream: RandomStream) -> Draw {
        var stream = stream
        let isMirrored = stream.uniform() < 0.5 && mirrors
        let top = stream.integer(below: 2 * padding + 1)
        return Draw(isMirrored: isMirrored, top: top, left: stream.integer(below: 2 * padding + 1))
    }

    public func placement(width: Int, height: Int, stream: RandomStream) -> ImagePlacement {
        let draw = draw(from: stream)
        var placement = ImagePlacement(
            imageWidth: width, imageHeight: height, shorterSide: size, square: size)
        placement.isMirrored = draw.isMirrored
        placement.shiftX = draw.left - padding
        placement.shiftY = draw.top - padding
        return placement
    }
}
