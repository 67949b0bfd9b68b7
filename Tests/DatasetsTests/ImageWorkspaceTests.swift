import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import Memory
import Numerics
import Testing

private let identity = ChannelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])

/// Crops a box without or with shrinking.
private struct Boxed: ImageTransform {
    let box: PixelBox
    let size: Int
    var decoding = JPEGDecoding.exact
    let normalization = identity

    func geometry(width: Int, height: Int, stream: RandomStream) -> CropGeometry {
        CropGeometry(box: box, width: size, height: size)
    }
}

@Suite(.timeLimit(.minutes(30)))
struct ImageWorkspaceTests {
    private func levels(
        _ workspace: ImageWorkspace, _ file: [UInt8], _ transform: some ImageTransform,
        stream: RandomStream = RandomStream(seed: 0, purpose: .test)
    ) throws -> [UInt8] {
        let place = { "x" }
        workspace.holdFile(byteCount: file.count, place: place) { bytes in
            for i in file.indices { bytes[i] = file[i] }
        }
        var pixels = Buffer<Float>(count: transform.size * transform.size * 3, repeating: .nan)
        var span = pixels.mutableSpan
        try workspace.write(transform, stream: stream, into: &span)
        return pixels.copyToArray().map { UInt8(($0 * 255).rounded()) }
    }

    /// Checks squares of random size and position; one in each image reaches its lower right
    /// corner.
    private func checkParts(_ file: [UInt8], name: String, count: Int) throws {
        let whole = try RGBImage(decoding: file, place: name)
        let workspace = ImageWorkspace()
        var random = RandomStream(seed: 5, purpose: .test, whole.width, whole.height)
        for part in 0..<count {
            let size = 1 + random.integer(below: min(whole.width, whole.height))
            let (right, below) = (whole.width - size, whole.height - size)
            let box = PixelBox(
                x: part == 0 ? right : random.integer(below: right + 1),
                y: part == 0 ? below : random.integer(below: below + 1), width: size, height: size)
            let found = try levels(workspace, file, Boxed(box: box, size: size))
            #expect(found == whole.cropped(to: box).bytes, "\(name), \(box)")
        }
    }

    @Test(arguments: DecodedImages.all.small)
    func aPartOfAFileHasThePixelsOfTheWhole(fixture: DecodedImages.Small) throws {
        try checkParts([UInt8](fixture.file), name: fixture.name, count: 40)
    }

    @Test(.enabled(if: SharedData.isThere, "needs the image sets in ../shared/data"))
    func aPartOfARealImageHasThePixelsOfTheWhole() throws {
        let archive = try TarArchive("\(SharedData.path)/imagenet/imagenet-sample-250.tar")
        for name in imageNetNames.prefix(60) {
            try checkParts(try archive.contents(of: name), name: name, count: 6)
        }
    }

    private var imageNetNames: [String] {
        let list = try? String(
            contentsOfFile: "\(SharedData.path)/imglist/local/imagenet_sample.txt", encoding: .utf8)
        return (list ?? "").split(separator: "\n").compactMap {
            $0.split(separator: " ").first.map(String.init)
        }
    }

    @Test func aTransformIsCropResizeSquareFlipShift() throws {
        let workspace = ImageWorkspace()
        var random = RandomStream(seed: 9, purpose: .test)
        for trial in 0..<120 {
            let (width, height) = (3 + random.integer(below: 60), 3 + random.integer(below: 60))
            let image = hashSequenceImage(offset: trial * 777, width: width, height: height)
            let size = 1 + random.integer(below: min(width, height))
            let transforms: [any ImageTransform] = [
                PaddedCropTransform(
                    size: size, padding: random.integer(below: size + 1), normalization: identity),
                RandomResizedCropTransform(size: size, normalization: identity),
                EvaluationTransform(
                    size: size, shorterSide: size + random.integer(below: 9), normalization: identity),
            ]
            for transform in transforms {
                let stream = RandomStream(seed: 1, purpose: .test, trial)
                let geometry = try transform.geometry(width: width, height: height, stream: stream)
                workspace.hold(image)
                var pixels = Buffer<Float>(count: size * size * 3, repeating: .nan)
                var span = pixels.mutableSpan
                try workspace.write(transform, stream: stream, into: &span)
                #expect(pixels.copyToArray() == plain(image, geometry, size).map { Float($0) / 255 })
            }
        }
    }

    /// The specification of a crop geometry, step by step on whole images.
    private func plain(_ image: RGBImage, _ geometry: CropGeometry, _ size: Int) -> [UInt8] {
        let square = image.resized(from: geometry.box, width: geometry.width, height: geometry.height)
            .cropped(to: PixelBox(x: geometry.left, y: geometry.top, width: size, height: size)).bytes
        return (0..<size * size * 3).map { i in
            let x = i / 3 % size + geometry.shiftX
            let y = i / 3 / size + geometry.shiftY
            guard (0..<size).contains(x) && (0..<size).contains(y) else { return 0 }
            return square[3 * (y * size + (geometry.isFlipped ? size - 1 - x : x)) + i % 3]
        }
    }

    @Test func reductionsOfThousandsArePlainOnes() throws {
        let image = hashSequenceImage(offset: 1, width: 20_000, height: 2)
        let found = try levels(of: image, Boxed(box: image.bounds, size: 1))
        #expect(found == image.resized(width: 1, height: 1).bytes)
        let white = RGBImage(width: 20_000, height: 1, bytes: [UInt8](repeating: 255, count: 60_000))
        #expect(try levels(of: white, Boxed(box: white.bounds, size: 1)) == [255, 255, 255])
    }

    private func levels(of image: RGBImage, _ transform: some ImageTransform) throws -> [UInt8] {
        var pixels = Buffer<Float>(count: transform.size * transform.size * 3, repeating: .nan)
        var span = pixels.mutableSpan
        try transform.write(image, stream: RandomStream(seed: 0, purpose: .test), into: &span)
        return pixels.copyToArray().map { UInt8(($0 * 255).rounded()) }
    }

    @Test func damageWhereATransformLooksIsAnError() throws {
        let file = DecodedImages.file("rgb 4:2:0.jpg")
        let whole = try RGBImage(decoding: file, place: "x")
        // The file truncated in the middle of the entropy-coded data.
        let scan = try #require(file.indices.first { file[$0] == 0xFF && file[$0 + 1] == 0xDA })
        let half = Array(file.prefix((scan + file.count) / 2))
        let workspace = ImageWorkspace()
        let size = min(whole.width, whole.height)
        let error = #expect(throws: DatasetError.self) {
            try levels(workspace, half, Boxed(box: whole.bounds, size: size))
        }
        #expect(try #require(error).description.hasPrefix("could not decode image, x: "))
        // The workspace works normally after a damaged file.
        let all = Boxed(box: whole.bounds, size: size)
        #expect(try levels(workspace, file, all) == levels(of: whole, all))
    }

    @Test(.enabled(if: SharedData.isThere, "needs the image sets in ../shared/data"))
    func damageBelowWhatATransformLooksAtIsNotSeen() throws {
        let archive = try TarArchive("\(SharedData.path)/imagenet/imagenet-sample-250.tar")
        let file = try archive.contents(of: try #require(imageNetNames.first))
        let whole = try RGBImage(decoding: file, place: "x")
        let half = Array(file.prefix(file.count * 3 / 4))
        let top = PixelBox(x: 5, y: 0, width: 40, height: 40)
        let workspace = ImageWorkspace()
        #expect(try levels(workspace, half, Boxed(box: top, size: 40)) == whole.cropped(to: top).bytes)
        let bottom = PixelBox(x: 5, y: whole.height - 40, width: 40, height: 40)
        #expect(throws: DatasetError.self) { try levels(workspace, half, Boxed(box: bottom, size: 40)) }
    }

    @Test(.enabled(if: SharedData.isThere, "needs the image sets in ../shared/data"))
    func scaledDecodingIsNearToExactAndOnlyWhereTheImageShrinks() throws {
        let archive = try TarArchive("\(SharedData.path)/imagenet/imagenet-sample-250.tar")
        let workspace = ImageWorkspace()
        var changed = 0
        for name in imageNetNames.prefix(20) {
            let file = try archive.contents(of: name)
            let image = try RGBImage(decoding: file, place: name)
            for size in [24, 100, 500] {
                let side = min(image.width, image.height)
                let box = PixelBox(x: image.width - side, y: 0, width: side, height: side)
                let exact = try levels(workspace, file, Boxed(box: box, size: size))
                let scaled = try levels(workspace, file, Boxed(box: box, size: size, decoding: .scaled))
                if side < 2 * size {
                    #expect(scaled == exact, "\(name) at \(size)")
                } else {
                    let squares = zip(exact, scaled).reduce(0.0) {
                        $0 + pow(Double($1.0) - Double($1.1), 2)
                    }
                    // The difference is a blur of about half a pixel, rarely above 10 of 255 levels
                    // rms.
                    #expect((squares / Double(exact.count)).squareRoot() < 16, "\(name) at \(size)")
                    changed += 1
                }
            }
        }
        #expect(changed > 20)
    }
}
