package import Numerics

/// The training augmentation of ImageNet: a random box of the image, resized to a square and
/// randomly flipped horizontally.
///
/// Szegedy et al.: "Going deeper with convolutions", CVPR 2015, arXiv 1409.4842, section 6, with
/// the details of torchvision's `RandomResizedCrop`: a box of 8 to 100 % of the area with an aspect
/// ratio of 3/4 to 4/3, uniform in its logarithm; after ten boxes that do not fit, the largest
/// centred box with an allowed aspect ratio.
package struct RandomResizedCropTransform: ImageTransform {
    /// Height and width of the square, in pixels.
    package let size: Int
    /// The smallest fraction of the image's area, above 0 and at most 1.
    package let smallestArea: Double
    /// Whether half of the images are flipped horizontally.
    package let flips: Bool
    package let normalization: ChannelNormalization
    package let decoding: JPEGDecoding
    package let colors: ColorJitter?

    private static let aspectRatios = 3.0 / 4...4.0 / 3

    package init(
        size: Int, smallestArea: Double = 0.08, flips: Bool = true, normalization: ChannelNormalization,
        decoding: JPEGDecoding = .exact, colors: ColorJitter? = nil
    ) {
        precondition(
            size >= 1 && smallestArea > 0 && smallestArea <= 1,
            "squares of \(size) from at least \(smallestArea) of the area")
        self.size = size
        self.smallestArea = smallestArea
        self.flips = flips
        self.normalization = normalization
        self.decoding = decoding
        self.colors = colors
    }

    /// The random choices for one image.
    package struct Draw: Equatable, Sendable {
        package let box: PixelBox
        package let isFlipped: Bool
    }

    package func draw(from stream: RandomStream, width: Int, height: Int) -> Draw {
        var stream = stream
        let box = fittingBox(&stream, width: width, height: height) ?? middleBox(width: width, height: height)
        return Draw(box: box, isFlipped: stream.uniform() < 0.5 && flips)
    }

    private func fittingBox(_ stream: inout RandomStream, width: Int, height: Int) -> PixelBox? {
        let logarithms = logarithm(Self.aspectRatios.lowerBound)...logarithm(Self.aspectRatios.upperBound)
        for _ in 0..<10 {
            let part = smallestArea + (1 - smallestArea) * stream.uniformDouble()
            let area = Double(width * height) * part
            let spread = logarithms.upperBound - logarithms.lowerBound
            let aspect = exponential(logarithms.lowerBound + spread * stream.uniformDouble())
            let boxWidth = Int((area * aspect).squareRoot().rounded(.toNearestOrEven))
            let boxHeight = Int((area / aspect).squareRoot().rounded(.toNearestOrEven))
            guard (1...width).contains(boxWidth), (1...height).contains(boxHeight) else { continue }
            let y = stream.integer(below: height - boxHeight + 1)
            let x = stream.integer(below: width - boxWidth + 1)
            return PixelBox(x: x, y: y, width: boxWidth, height: boxHeight)
        }
        return nil
    }

    private func middleBox(width: Int, height: Int) -> PixelBox {
        let aspect = Double(width) / Double(height)
        var box = PixelBox(x: 0, y: 0, width: width, height: height)
        if aspect < Self.aspectRatios.lowerBound {
            box.height = Int((Double(width) / Self.aspectRatios.lowerBound).rounded(.toNearestOrEven))
        } else if aspect > Self.aspectRatios.upperBound {
            box.width = Int((Double(height) * Self.aspectRatios.upperBound).rounded(.toNearestOrEven))
        }
        box.x = (width - box.width) / 2
        box.y = (height - box.height) / 2
        return box
    }

    package func geometry(width: Int, height: Int, stream: RandomStream) -> CropGeometry {
        let draw = draw(from: stream, width: width, height: height)
        return CropGeometry(box: draw.box, width: size, height: size, isFlipped: draw.isFlipped)
    }
}
