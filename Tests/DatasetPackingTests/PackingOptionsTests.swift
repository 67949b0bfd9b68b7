import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct PackingOptionsTests {
    @Test func aSeedGivesOneOrderOfAllRecordsWhateverTheThreads() throws {
        try withTemporaryFolder { folder in
            var found: [[Int]] = []
            for (index, (seed, threads)) in [(7, 1), (7, 3), (8, 1)].enumerated() {
                var options = PackingOptions()
                options.shuffleSeed = UInt64(seed)
                options.threads = threads
                options.recordsPerShard = 17
                let set = try pack(numberedRecords(count: 101), folder, "\(index)", options: options)
                #expect(set.manifest.notes == ["in a random order, seed \(seed)"])
                found.append(try (0..<101).map { Int(try set.image(of: $0).bytes[0]) })
            }
            #expect(found[0] == found[1] && found[0] != found[2])
            #expect(found.allSatisfy { $0.sorted() == Array(0..<101) && $0 != Array(0..<101) })
            var options = PackingOptions()
            options.shuffleSeed = 7
            options.limit = 11
            let few = try pack(numberedRecords(count: 101), folder, "few", options: options)
            #expect(
                try (0..<few.count).map { Int(try few.image(of: $0).bytes[0]) } == Array(found[0].prefix(11)))
        }
    }

    /// Records whose bytes are their number.
    private func numberedRecords(count: Int) -> GeneratedRecords {
        GeneratedRecords(origin: "numbered", count: count) { index in
            (0, RGBImage(width: 3, height: 2, bytes: [UInt8](repeating: UInt8(index), count: 18)))
        }
    }

    @Test func largerImagesAreShrunkAndTheOthersKeepTheirBytes() throws {
        try withTemporaryFolder { folder in
            let files = DecodedImages.all.small.map { [UInt8]($0.file) }
            for (index, file) in files.enumerated() {
                try write(file, folder, "in/\(index == 0 ? "b" : "c")/\(100 + index).jpg")
            }
            let source = try ImageFolder(Folder("\(folder)/in"))
            var options = PackingOptions()
            options.layout = .encoded
            options.resizeShorter = 9
            options.quality = 90
            let set = try pack(source, folder, options: options)
            var shrunk = 0
            for (index, file) in files.enumerated() {
                let original = try RGBImage(decoding: file, place: "")
                let side = min(original.width, original.height)
                let image = try set.image(of: index)
                guard side > 9 else {
                    #expect(image == original)
                    continue
                }
                shrunk += 1
                let expected = original.resized(
                    width: original.width * 9 / side, height: original.height * 9 / side)
                #expect(image.width == expected.width && image.height == expected.height)
                let error = zip(image.bytes, expected.bytes).reduce(0.0) { sum, pair in
                    sum + Double((Int(pair.0) - Int(pair.1)) * (Int(pair.0) - Int(pair.1)))
                }
                // Noise with chroma subsampling is the worst case for JPEG; the error against a
                // wrong image would be 5,000 or more.
                #expect(error / Double(image.bytes.count) < 2500, "\(index)")
            }
            #expect(shrunk > 0)
            #expect(
                set.manifest.notes.first
                    == "larger images shrunk to a shorter side of 9, bilinear, as JPEG of quality 90")
        }
    }

    @Test func shrunkPixelsAreThoseOfTheResize() throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            options.resizeShorter = 6
            options.layout = .pixels
            let set = try pack(drawnRecords(count: 5, width: 31, height: 17), folder, options: options)
            #expect(set.manifest.layout == .pixels(height: 6, width: 10, channels: 3))
            for record in 0..<5 {
                let expected = drawnImage(record, width: 31, height: 17).resized(width: 10, height: 6)
                #expect(try set.image(of: record) == expected)
            }
        }
    }

    /// A set of pixels and a set of files hold the same recompressed images, not the originals.
    @Test func recompressedImagesAreThoseOfTheirJPEGFiles() throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            options.recompresses = true
            options.quality = 75
            options.layout = .pixels
            let source = drawnRecords(count: 5, width: 31, height: 17)
            let pixels = try pack(source, "\(folder)/pixels", options: options)
            options.layout = .encoded
            let files = try pack(source, "\(folder)/files", options: options)
            #expect(files.manifest.layout == .encoded)
            #expect(pixels.manifest.notes.contains("all images as JPEG of quality 75, 4:2:0"))
            for record in 0..<5 {
                let original = drawnImage(record, width: 31, height: 17)
                let image = try pixels.image(of: record)
                #expect(try files.image(of: record) == image)
                #expect(image != original && image.width == 31 && image.height == 17)
            }
        }
    }

    @Test func shardsOfFilesAreCutByTheirMeanSize() throws {
        try withTemporaryFolder { folder in
            let file = DecodedImages.file("rgb.png")
            for index in 0..<50 {
                try write(file + [UInt8(index)], folder, "in/\(index == 0 ? "b" : "c")/\(100 + index).png")
            }
            var options = PackingOptions()
            options.layout = .encoded
            options.bytesPerShard = 7 * (file.count + 1) + 3
            let set = try pack(ImageFolder(Folder("\(folder)/in")), folder, options: options)
            #expect(set.manifest.shards.map(\.count) == [7, 7, 7, 7, 7, 7, 7, 1])
        }
    }

    @Test func aCompressedStreamCannotBeShuffled() throws {
        try withTemporaryFolder { folder in
            let inner = tar([("1.png", DecodedImages.file("rgb.png"))])
            let path = try write(gzip(tar([("a.tar", inner), ("b.tar", inner)])), folder, "x.tar.gz")
            var options = PackingOptions()
            options.shuffleSeed = 1
            #expect(
                message { _ = try pack(NestedTarArchive(path), folder, options: options) }
                    == "could not shuffle, \(path): it is compressed and can only be read from front to back; "
                    + "uncompress it, or pack it without --shuffle-seed")
        }
    }
}
