import Datasets
import Foundation
import Memory
import Numerics
import Testing

private let identity = ChannelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])

@Suite(.timeLimit(.minutes(30)))
struct ImageTransformTests {
    @Test func normalizationIsDividedThenShiftedThenScaledInSinglePrecision() throws {
        let image = hashSequenceImage(offset: 3, width: 32, height: 32)
        let transform = EvaluationTransform(size: 32, shorterSide: 32, normalization: .cifar10)
        let pixels = try apply(transform, to: image)
        let mean: [Float] = [0.4914, 0.4822, 0.4465]
        let deviation: [Float] = [0.2470, 0.2435, 0.2616]
        for (i, byte) in image.bytes.enumerated() {
            #expect(pixels[i] == (Float(byte) / 255 - mean[i % 3]) / deviation[i % 3])
        }
    }

    @Test(arguments: [
        // Long side 256 · 500 / 375 = 341.33 to 341; offset (341 − 224) / 2 = 58.5 to 58.
        (500, 375, 256, 224, 341, 256, 58, 16),
        // Long side 28 · 57 / 41 = 38.9 to 38; offset (28 − 21) / 2 = 3.5 to 4 and 17 / 2 = 8.5 to
        // 8.
        (41, 57, 28, 21, 28, 38, 4, 8),
        (32, 32, 32, 32, 32, 32, 0, 0),
    ])
    func evaluationResizesTheShorterSideAndCutsTheMiddle(
        width: Int, height: Int, shorterSide: Int, size: Int, resizedWidth: Int, resizedHeight: Int, x: Int,
        y: Int
    ) throws {
        let image = hashSequenceImage(offset: 1, width: width, height: height)
        let transform = EvaluationTransform(size: size, shorterSide: shorterSide, normalization: identity)
        let expected = image.resized(width: resizedWidth, height: resizedHeight)
            .cropped(to: PixelBox(x: x, y: y, width: size, height: size))
        #expect(try apply(transform, to: image) == expected.bytes.map { Float($0) / 255 })
    }

    @Test func withoutResizeOtherSizesAreRefused() throws {
        let transform = EvaluationTransform(size: 24, shorterSide: nil, normalization: identity)
        _ = try apply(transform, to: hashSequenceImage(offset: 0, width: 24, height: 24))
        let error = #expect(throws: DatasetError.self) {
            try apply(transform, to: hashSequenceImage(offset: 0, width: 25, height: 24))
        }
        #expect("\(try #require(error))".contains("25×24"))
    }

    @Test func paddedCropFlipsFirstAndFillsWithBlack() throws {
        let image = hashSequenceImage(offset: 9, width: 8, height: 8)
        let transform = PaddedCropTransform(size: 8, padding: 3, normalization: .cifar100)
        let black = try apply(
            EvaluationTransform(size: 1, shorterSide: 1, normalization: .cifar100),
            to: RGBImage(width: 1, height: 1, bytes: [0, 0, 0]))
        let plain = try apply(
            EvaluationTransform(size: 8, shorterSide: 8, normalization: .cifar100), to: image)
        for record in 0..<50 {
            let stream = RandomStream(seed: 4, purpose: .test, 0, record)
            let draw = transform.draw(from: stream)
            let pixels = try apply(transform, to: image, stream: stream)
            for row in 0..<8 {
                for column in 0..<8 {
                    let y = row + draw.top - 3
                    let x = column + draw.left - 3
                    let isInside = (0..<8).contains(y) && (0..<8).contains(x)
                    let from = 3 * (y * 8 + (draw.isFlipped ? 7 - x : x))
                    for channel in 0..<3 {
                        let value = pixels[3 * (row * 8 + column) + channel]
                        #expect(value == (isInside ? plain[from + channel] : black[channel]))
                    }
                }
            }
        }
    }

    @Test func paddedCropDrawsAllPositionsAndHalfTheFlips() {
        let transform = PaddedCropTransform(size: 32, normalization: identity)
        var positions = [Int](repeating: 0, count: 81)
        var flipped = 0
        for record in 0..<8100 {
            let draw = transform.draw(from: RandomStream(seed: 1, purpose: .augmentation, 0, record))
            positions[draw.top * 9 + draw.left] += 1
            flipped += draw.isFlipped ? 1 : 0
        }
        let chiSquare = positions.reduce(0.0) { $0 + (Double($1) - 100) * (Double($1) - 100) / 100 }
        // 80 degrees of freedom, 99.9 %; four standard deviations of 8100 fair coins.
        #expect(chiSquare < 124.8)
        #expect(abs(flipped - 4050) < 180)
    }

    @Test(arguments: [(500, 375), (40, 90), (3, 400), (400, 3), (1, 1)])
    func randomResizedCropBoxesAreAllowed(width: Int, height: Int) {
        let transform = RandomResizedCropTransform(size: 16, normalization: identity)
        var areas: [Double] = []
        for record in 0..<400 {
            let stream = RandomStream(seed: 2, purpose: .augmentation, 0, record)
            let box = transform.draw(from: stream, width: width, height: height).box
            #expect(box.x >= 0 && box.y >= 0 && box.width >= 1 && box.height >= 1)
            #expect(box.x + box.width <= width && box.y + box.height <= height)
            // Half a pixel of rounding on each side.
            let ratio =
                (Double(box.width) - 0.5) / (Double(box.height) + 0.5)...(Double(box.width) + 0.5)
                / (Double(box.height) - 0.5)
            #expect(ratio.overlaps(3.0 / 4...4.0 / 3))
            areas.append(Double(box.width * box.height) / Double(width * height))
        }
        if width == 500 {
            // 40,000 draws of the same rule in Python: mean 0.432; four standard deviations of 400
            // are 0.05.
            let mean = areas.reduce(0, +) / 400
            #expect(abs(mean - 0.432) < 0.05)
            #expect((areas.min() ?? 0) < 0.1 && (areas.max() ?? 0) > 0.9)
        }
    }

    private func draws(
        _ transform: RandomResizedCropTransform, count: Int, width: Int, height: Int
    ) -> [RandomResizedCropTransform.Draw] {
        (0..<count).map {
            transform.draw(
                from: RandomStream(seed: 11, purpose: .augmentation, 0, $0), width: width, height: height)
        }
    }

    @Test func randomResizedCropFlipsHalfOfTheImages() {
        let transform = RandomResizedCropTransform(size: 16, normalization: identity)
        let flipped = draws(transform, count: 8100, width: 500, height: 375).count { $0.isFlipped }
        // Four standard deviations of 8100 fair coins.
        #expect(abs(flipped - 4050) < 180)
        let plain = RandomResizedCropTransform(size: 16, flips: false, normalization: identity)
        #expect(!draws(plain, count: 400, width: 500, height: 375).contains { $0.isFlipped })
    }

    /// On a square image, wide and high boxes are equally frequent: the logarithm of the ratio is
    /// uniform, not the ratio, whose mean would be above 1.
    @Test func randomResizedCropDrawsTheLogarithmOfTheAspectRatio() {
        let transform = RandomResizedCropTransform(size: 16, normalization: identity)
        let boxes = draws(transform, count: 20_000, width: 4000, height: 4000).map(\.box)
        // Up to half of the area every ratio fits, so no draw is rejected.
        let logarithms = boxes.filter { $0.width * $0.height < 8_000_000 }.map {
            log(Double($0.width) / Double($0.height)) / log(4.0 / 3)
        }
        #expect(logarithms.count > 8000)
        var counts = [Int](repeating: 0, count: 10)
        for value in logarithms { counts[min(max(Int((value + 1) * 5), 0), 9)] += 1 }
        let expected = Double(logarithms.count) / 10
        let chiSquare = counts.reduce(0.0) {
            $0 + (Double($1) - expected) * (Double($1) - expected) / expected
        }
        // 9 degrees of freedom, 99.9 %; with a uniform ratio it would be about 150.
        #expect(chiSquare < 27.9, "\(counts)")
    }

    /// Every position from the first to the last column and row is equally likely.
    @Test func randomResizedCropDrawsEveryPlaceOfABox() {
        let transform = RandomResizedCropTransform(size: 16, normalization: identity)
        let boxes = draws(transform, count: 20_000, width: 9, height: 8).map(\.box)
        for side in 2...6 {
            for (starts, length) in [
                (boxes.filter { $0.width == side }.map(\.x), 9),
                (boxes.filter { $0.height == side }.map(\.y), 8),
            ] {
                let places = length - side + 1
                #expect(Set(starts) == Set(0..<places), "\(side) of \(length)")
                let expected = Double(starts.count) / Double(places)
                for place in 0..<places {
                    let count = Double(starts.count { $0 == place })
                    // Five standard deviations.
                    #expect(
                        abs(count - expected) < 5 * expected.squareRoot(), "\(side) of \(length) at \(place)")
                }
            }
        }
    }

    @Test func aBoxThatNeverFitsBecomesTheMiddle() {
        let transform = RandomResizedCropTransform(size: 16, smallestArea: 1, normalization: identity)
        let stream = RandomStream(seed: 2, purpose: .augmentation, 0, 0)
        #expect(
            transform.draw(from: stream, width: 100, height: 30).box
                == PixelBox(x: 30, y: 0, width: 40, height: 30))
        #expect(
            transform.draw(from: stream, width: 31, height: 100).box
                == PixelBox(x: 0, y: 29, width: 31, height: 41))
    }

    @Test func randomResizedCropIsCropResizeFlip() throws {
        let transform = RandomResizedCropTransform(size: 12, normalization: identity)
        let image = hashSequenceImage(offset: 5, width: 40, height: 31)
        var flipped = 0
        for record in 0..<40 {
            let stream = RandomStream(seed: 8, purpose: .augmentation, 0, record)
            let draw = transform.draw(from: stream, width: 40, height: 31)
            let resized = image.resized(from: draw.box, width: 12, height: 12).bytes
            let pixels = try apply(transform, to: image, stream: stream)
            for i in 0..<432 {
                let (row, column, channel) = (i / 36, i / 3 % 12, i % 3)
                let from = draw.isFlipped ? 11 - column : column
                #expect(pixels[i] == Float(resized[row * 36 + from * 3 + channel]) / 255)
            }
            flipped += draw.isFlipped ? 1 : 0
        }
        #expect(flipped > 5 && flipped < 35)
    }

    private func apply(
        _ transform: some ImageTransform, to image: RGBImage,
        stream: RandomStream = RandomStream(seed: 0, purpose: .test)
    ) throws -> [Float] {
        var pixels = Buffer<Float>(count: transform.size * transform.size * 3, repeating: .nan)
        var span = pixels.mutableSpan
        try transform.write(image, stream: stream, into: &span)
        return pixels.copyToArray()
    }
}
