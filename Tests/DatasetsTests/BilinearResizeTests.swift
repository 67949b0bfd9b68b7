import Datasets
import Foundation
import Memory
import Numerics
import Testing

@Suite(.timeLimit(.minutes(30)))
struct BilinearResizeTests {
    @Test(
        arguments: [
            ([0, 10, 20, 30, 40, 50, 60, 255], 5, [4, 19, 35, 51, 175]),
            ([0, 10, 20, 30, 40, 50, 60, 255], 3, [11, 35, 113]),
            ([0, 100, 255], 8, [0, 6, 44, 81, 129, 187, 245, 255]),
        ] as [([UInt8], Int, [UInt8])])
    func aRowAndAColumnMatchPillow(values: [UInt8], count: Int, expected: [UInt8]) {
        let row = grey(values, width: values.count, height: 1)
        #expect(row.resized(width: count, height: 1) == grey(expected, width: count, height: 1))
        let column = grey(values, width: 1, height: values.count)
        #expect(column.resized(width: 1, height: count) == grey(expected, width: 1, height: count))
    }

    @Test func bothPassesRoundToEightBits() {
        let values = (0..<64).map { UInt8(truncatingIfNeeded: 37 * $0) }
        let expected: [UInt8] = [
            57, 144, 119, 118, 154, 71, 168, 104, 103, 148, 89, 165, 79, 138, 182,
        ]
        #expect(
            grey(values, width: 8, height: 8).resized(width: 3, height: 5)
                == grey(expected, width: 3, height: 5))
    }

    @Test(arguments: [("bilinear-resizes", 200), ("pillow-resizes", 1500)])
    func randomResizesMatchPillow(fixture: String, count: Int) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/\(fixture).csv")
        let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst()
        #expect(rows.count == count)
        for row in rows {
            let fields = row.split(separator: ",")
            let values = fields.dropLast().compactMap { Int($0) }
            let box = PixelBox(x: values[3], y: values[4], width: values[5], height: values[6])
            let image = hashSequenceImage(offset: values[0], width: values[1], height: values[2])
            let resized = image.resized(from: box, width: values[7], height: values[8])
            #expect(fnv1a(resized.bytes) == UInt64(fields[9], radix: 16), "\(row)")
            // The network's input: the largest square of the resized image, at its lower right
            // corner.
            let transform = PlacedSquare(box: box, width: values[7], height: values[8])
            #expect(try transform.levels(of: image) == transform.square(of: resized), "\(row)")
        }
    }

    @Test func theSameSizeChangesNothing() {
        let image = hashSequenceImage(offset: 7, width: 13, height: 9)
        #expect(image.resized(width: 13, height: 9) == image)
    }

    @Test func aBoxKeepsPixelsOutsideItOut() {
        var image = hashSequenceImage(offset: 0, width: 20, height: 20)
        let box = PixelBox(x: 3, y: 5, width: 11, height: 8)
        let inside = image.cropped(to: box).resized(width: 7, height: 17)
        #expect(image.resized(from: box, width: 7, height: 17) == inside)
        image.bytes[3 * (4 * 20 + 3)] ^= 255
        #expect(image.resized(from: box, width: 7, height: 17) == inside)
    }

    private func grey(_ values: [UInt8], width: Int, height: Int) -> RGBImage {
        RGBImage(width: width, height: height, bytes: values.flatMap { [$0, $0, $0] })
    }
}

/// The largest square of a resized box, at its lower right corner, without normalisation.
private struct PlacedSquare: ImageTransform {
    let box: PixelBox
    let width: Int
    let height: Int
    let normalization = ChannelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])

    var size: Int { min(width, height) }

    func geometry(width: Int, height: Int, stream: RandomStream) -> CropGeometry {
        CropGeometry(
            box: box, width: self.width, height: self.height, left: self.width - size, top: self.height - size
        )
    }

    func levels(of image: RGBImage) throws -> [UInt8] {
        var pixels = Buffer<Float>(count: size * size * 3, repeating: .nan)
        var span = pixels.mutableSpan
        try write(image, stream: RandomStream(seed: 0, purpose: .test), into: &span)
        return pixels.copyToArray().map { UInt8(($0 * 255).rounded()) }
    }

    func square(of image: RGBImage) -> [UInt8] {
        image.cropped(to: PixelBox(x: width - size, y: height - size, width: size, height: size)).bytes
    }
}

/// An image of pseudo-random bytes, the same as in `make_resize_image.py`.
func hashSequenceImage(offset: Int, width: Int, height: Int) -> RGBImage {
    let bytes = (offset..<offset + 3 * width * height).map { index in
        var x = UInt32(truncatingIfNeeded: index) &* 2_654_435_761
        x ^= x >> 15
        x = x &* 2_246_822_519
        return UInt8(x >> 24)
    }
    return RGBImage(width: width, height: height, bytes: bytes)
}

func fnv1a(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
