import Checksums
import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

/// Unusual images are read as by Pillow; damaged ones end packing or are skipped, by the option.
@Suite(.timeLimit(.minutes(30))) struct BadImagesTests {
    /// The error of each bad file.
    static let reasons: [(name: String, reason: String)] = [
        ("empty.jpg", "the file is empty"),
        ("zeros.jpg", "it is nothing but zeros, expected JPEG, PNG or WebP"),
        ("cut.jpg", "Premature end of JPEG file"),
        ("header.jpg", ""),
        ("cut.png", ""),
        ("still.gif", "it is a GIF, expected JPEG, PNG or WebP"),
        ("animated.gif", "it is a GIF, expected JPEG, PNG or WebP"),
        ("animated.png", "it is animated (APNG), expected one picture"),
        ("bomb.jpg", "its header says 65280×65280 pixels, expected 1 to 178956970"),
        ("bomb.png", "its header says 60000×60000 pixels, expected 1 to 178956970"),
        ("page.jpg", "it is a web page or XML, expected JPEG, PNG or WebP"),
        ("animated.webp", "it is animated (WebP), expected one picture"),
        ("cut.webp", "Premature end of WebP file"),
        ("few bytes.jpg", "its 998 bytes are too few for 8192×8192 pixels"),
    ]

    @Test(arguments: BadImages.all.good.keys.sorted())
    func anOddImageHasPillowsPixels(name: String) throws {
        let fixture = try #require(BadImages.all.good[name])
        let image = try RGBImage(decoding: [UInt8](fixture.file), place: name)
        #expect(image.width == fixture.width && image.height == fixture.height)
        #expect(CRC64(image.bytes).hexadecimal == fixture.checksum)
    }

    @Test func everyBadFileHasAReason() {
        #expect(Self.reasons.map(\.name).sorted() == BadImages.all.bad.keys.sorted())
    }

    /// A folder of good images and a bad one with the ending of an image.
    private func tree(_ bad: String, _ folder: String) throws -> (tree: Folder, place: String) {
        for name in ["a/1.jpg", "b/1.jpg", "b/3.jpg"] {
            try write(DecodedImages.file("rgb 4:2:0.jpg") + Array(name.utf8), folder, "in/\(name)")
        }
        let place = try write(BadImages.bad(bad), folder, "in/b/2 \(bad).jpg")
        return (try Folder("\(folder)/in"), place)
    }

    @Test(arguments: reasons)
    func itEndsPackingWithOneLine(name: String, reason: String) throws {
        try withTemporaryFolder { folder in
            let (tree, place) = try tree(name, folder)
            let found = message { _ = try pack(ImageFolder(tree), folder) }
            #expect(found.hasPrefix("could not decode image, \(place): \(reason)"), "\(found)")
            #expect(found.hasSuffix("; replace the image, or leave it out with --on-bad skip"))
            #expect(!found.contains("\n"))
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/set"))
        }
    }

    @Test(arguments: reasons)
    func orItIsLeftOutAndListed(name: String, reason: String) throws {
        try withTemporaryFolder { folder in
            let (tree, place) = try tree(name, folder)
            var options = PackingOptions()
            options.onBad = .skip
            options.threads = 2
            let dataset = try pack(ImageFolder(tree), folder, options: options)
            #expect(dataset.count == 3 && (0..<3).map { dataset.label(of: $0) } == [0, 1, 1])
            #expect(dataset.manifest.notes.contains("1 damaged images left out: see report.csv"))
            let report = try String(contentsOfFile: "\(folder)/set/report.csv", encoding: .utf8)
            let line = try #require(report.split(separator: "\n").first { $0.hasPrefix("damaged,") })
            #expect(line.hasPrefix("damaged,b/2 \(name).jpg,"))
            #expect(line.contains(place) && (reason.isEmpty || line.contains(reason)))
            try dataset.verify()
        }
    }

    @Test func aListsMissingImagesAreLeftOutAndListed() throws {
        try withTemporaryFolder { folder in
            try write(DecodedImages.file("rgb.png"), folder, "in/a.png")
            let list = try write("none.png 0\na.png 1\nb.png 0\n".utf8, folder, "list.txt")
            var options = PackingOptions()
            options.onMissing = .skip
            let source = try ImageList(list, images: Folder("\(folder)/in"))
            #expect(source.missingCount == 2)
            let dataset = try pack(source, folder, options: options)
            #expect(dataset.count == 1 && dataset.label(of: 0) == 1)
            #expect(
                try String(contentsOfFile: "\(folder)/set/report.csv", encoding: .utf8) == """
                    kind,path,place,cause
                    missing,none.png,"\(list), line 1 (\(folder)/in/none.png)",\(folder)/in/none.png: no such file or directory
                    missing,b.png,"\(list), line 3 (\(folder)/in/b.png)",\(folder)/in/b.png: no such file or directory

                    """)
        }
    }

    @Test func repeatedAndMisnamedImagesArePackedAndListed() throws {
        try withTemporaryFolder { folder in
            let image = DecodedImages.file("rgb.png")
            for name in ["a/1.png", "a/2.JPEG", "b/3.png"] { try write(image, folder, "in/\(name)") }
            let dataset = try pack(ImageFolder(Folder("\(folder)/in")), folder)
            #expect(dataset.count == 3)
            #expect(
                dataset.manifest.notes == [
                    "1 images whose file extension is another format's: see report.csv",
                    "2 duplicate images: see report.csv",
                ])
            let report = try String(contentsOfFile: "\(folder)/set/report.csv", encoding: .utf8)
            #expect(report.contains("misnamed,a/2.JPEG,"))
            #expect(report.contains(",same content as a/1.png\n"))
            #expect(report.contains(",\"same content as a/1.png, which has label 0, this one 1\"\n"))
        }
    }

    @Test func nothingButBadImagesIsAnError() throws {
        try withTemporaryFolder { folder in
            for name in ["x/1.jpg", "y/2.jpg"] { try write([], folder, "in/\(name)") }
            var options = PackingOptions()
            options.onBad = .skip
            #expect(
                message { _ = try pack(ImageFolder(Folder("\(folder)/in")), folder, options: options) }
                    == "could not pack, \(folder)/in: none of 2 images could be read; "
                    + "the first, \(folder)/in/x/1.jpg: the file is empty")
        }
    }

    @Test func aFileTooLargeForAnImageIsNotRead() throws {
        try withTemporaryFolder { folder in
            let path = try write([], folder, "in/x/1.jpg")
            try write([], folder, "in/y/1.jpg")
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.truncate(atOffset: 3 << 30)
            try file.close()
            #expect(
                message { _ = try pack(ImageFolder(Folder("\(folder)/in")), folder) }
                    == "could not read image, \(path): the file has 3221225472 bytes, expected at most 134217728; "
                    + "replace the image, or leave it out with --on-bad skip")
        }
    }
}
