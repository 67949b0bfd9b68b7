import Checksums
import DatasetPacking
import DatasetSamples
import Datasets
import Testing

@Suite(.timeLimit(.minutes(30))) struct ImageDecodingTests {
    @Test(arguments: DecodedImages.all.small)
    func givesPillowsPixels(fixture: DecodedImages.Small) throws {
        let image = try RGBImage(decoding: [UInt8](fixture.file), place: fixture.name)
        #expect(image.width == fixture.width && image.height == fixture.height)
        #expect(CRC64(image.bytes).hexadecimal == fixture.checksum)
    }

    @Test(.enabled(if: SharedData.isThere, "needs the image sets in ../shared/data"))
    func givesPillowsPixelsOfRealImages() throws {
        var archives: [String: TarArchive] = [:]
        for fixture in DecodedImages.all.shared {
            let archive =
                try archives[fixture.archive] ?? TarArchive("\(SharedData.path)/\(fixture.archive)")
            archives[fixture.archive] = archive
            let image = try RGBImage(
                decoding: try archive.contents(of: fixture.name), place: fixture.name)
            #expect(image.width == fixture.width && image.height == fixture.height, "\(fixture.name)")
            #expect(CRC64(image.bytes).hexadecimal == fixture.checksum, "\(fixture.name)")
        }
    }

    @Test(arguments: ["rgb 4:2:0.jpg", "progressive.jpg", "rgb.png", "palette.png"])
    func aCutOffFileIsAnError(name: String) throws {
        let file = DecodedImages.file(name)
        let half = Array(file.prefix(file.count * 3 / 4))
        let error = #expect(throws: DatasetError.self) { try RGBImage(decoding: half, place: "x") }
        #expect(try #require(error).description.hasPrefix("could not decode image, x: "))
    }

    @Test func aFlippedBitInAPNGIsAnError() {
        var file = DecodedImages.file("rgb.png")
        file[file.count / 2] ^= 4
        #expect(throws: DatasetError.self) { try RGBImage(decoding: file, place: "x") }
    }

    @Test func otherFilesAreRefused() throws {
        let cases: [([UInt8], String)] = [
            ([], "the file is empty"),
            (Array("GIF89a".utf8), "it is a GIF, expected JPEG, PNG or WebP"),
            ([1, 2, 3], "it is of no known format, expected JPEG, PNG or WebP"),
        ]
        for (bytes, reason) in cases {
            let error = #expect(throws: DatasetError.self) { try RGBImage(decoding: bytes, place: "a.jpg") }
            #expect("\(try #require(error))" == "could not decode image, a.jpg: \(reason)")
        }
    }

    @Test func anAbsurdSizeTakesNoMemory() throws {
        var file = DecodedImages.file("rgb 4:2:0.jpg")
        let frame = try #require(file.indices.first { file[$0] == 0xFF && file[$0 + 1] == 0xC0 })
        file.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0x00, 0xFF, 0x00])
        let error = #expect(throws: DatasetError.self) { try RGBImage(decoding: file, place: "x") }
        #expect(try #require(error).reason.contains("65280×65280 pixels"))
    }
}
