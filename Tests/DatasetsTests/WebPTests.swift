import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import Memory
import Numerics
import TestSupport
import Testing

/// WebP, besides JPEG and PNG; `BadImagesTests` compares its pixels with Pillow's.
@Suite(.timeLimit(.minutes(30))) struct WebPTests {
    private func file(_ name: String) throws -> [UInt8] {
        [UInt8](try #require(BadImages.all.good[name]).file)
    }

    @Test func aFolderOfWebPFilesIsPackedAndReadByTheLoader() throws {
        try withTemporaryFolder { folder in
            try write(file("lossy.webp"), folder, "in/a/0.webp")
            try write(file("photo.jpg"), folder, "in/b/0.jpg")
            try write(file("lossy.webp") + [0], folder, "in/c/0.WEBP")
            var options = PackingOptions()
            options.layout = .encoded
            let dataset = try pack(ImageFolder(Folder("\(folder)/in")), folder, options: options)
            #expect(dataset.manifest.classNames == ["a", "b", "c"])
            let image = try RGBImage(decoding: file("lossy.webp"), place: "x")
            #expect(try dataset.image(of: 0) == image)
            #expect(try dataset.image(of: 2) == image)

            let transform = EvaluationTransform(
                size: 64, shorterSide: 64,
                normalization: ChannelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1]))
            let workspace = ImageWorkspace()
            #expect(try dataset.load(0, into: workspace) == 0)
            var pixels = Buffer<Float>(count: 64 * 64 * 3, repeating: 0)
            var span = pixels.mutableSpan
            try workspace.write(transform, stream: RandomStream(seed: 0, purpose: .test), into: &span)
            let square = image.cropped(to: PixelBox(x: 16, y: 0, width: 64, height: 64))
            #expect(pixels.copyToArray().map { UInt8(($0 * 255).rounded()) } == square.bytes)
        }
    }

    @Test func aNameThatLiesIsListed() throws {
        try withTemporaryFolder { folder in
            try write(file("lossless.webp"), folder, "in/a/0.png")
            try write(file("rgb.png"), folder, "in/a/1.webp")
            try write(file("grey.jpg"), folder, "in/b/2.jpeg")
            let dataset = try pack(ImageFolder(Folder("\(folder)/in")), folder)
            #expect(dataset.count == 3)
            let report = try String(contentsOfFile: "\(folder)/set/report.csv", encoding: .utf8)
            let misnamed = report.split(separator: "\n").filter { $0.hasPrefix("misnamed,") }
            #expect(misnamed.map { $0.split(separator: ",")[1] } == ["a/0.png", "a/1.webp"])
        }
    }

    @Test func anAbsurdSizeTakesNoMemory() throws {
        var file = try file("lossless.webp")
        let size = try #require(file.firstRange(of: Array("VP8L".utf8))).upperBound + 5
        // Width − 1 and height − 1 have 14 bits each.
        file.replaceSubrange(size..<size + 4, with: [0xFF, 0xFF, 0xFF, 0x0F])
        #expect(
            message { _ = try RGBImage(decoding: file, place: "x") }
                == "could not decode image, x: its header says 16384×16384 pixels, expected 1 to 178956970")
    }
}
