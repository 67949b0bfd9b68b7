import Checksums
import DatasetPacking
import DatasetSamples
import Datasets
import Dispatch
import Foundation
import HDF5
import Memory
import Numerics
import SystemPackage
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct PackedDatasetTests {
    @Test func pixelsComeBackOverSeveralShards() throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            options.recordsPerShard = 10
            let dataset = try pack(drawnRecords(count: 25), folder, options: options)
            #expect(dataset.count == 25 && dataset.name == "set")
            #expect(dataset.manifest.layout == .pixels(height: 5, width: 7, channels: 3))
            #expect(dataset.manifest.shards.map(\.count) == [10, 10, 5])
            #expect(dataset.manifest.classNames == ["a", "b", "c"] && dataset.manifest.classCount == 3)
            for record in 0..<25 {
                #expect(try dataset.image(of: record) == drawnImage(record))
                #expect(dataset.label(of: record) == Int32(record % 3))
            }
            #expect(dataset.path(of: 3) == nil)
            try dataset.verify()
        }
    }

    /// Loads through a worker's workspace that has held other images.
    @Test func whatIsLoadedSaysItsRecordAndHasItsPixels() throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            options.recordsPerShard = 7
            let dataset = try pack(drawnRecords(count: 20, width: 6, height: 6), folder, options: options)
            let workspace = ImageWorkspace()
            let transform = EvaluationTransform(
                size: 6, shorterSide: nil,
                normalization: ChannelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1]))
            for record in [19, 0, 6, 7, 13, 14] {
                #expect(try dataset.load(record, into: workspace) == record)
                var pixels = Buffer<Float>(zeros: 108)
                var span = pixels.mutableSpan
                try workspace.write(transform, stream: RandomStream(seed: 0, purpose: .test), into: &span)
                let expected = drawnImage(record, width: 6, height: 6).bytes.map { Float($0) / 255 }
                #expect(pixels.copyToArray() == expected)
            }
        }
    }

    @Test(arguments: ["imagenet_c", "imagenet_r"])
    func onlyImageNetCKeepsItsSize(set: String) throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            let split = """
                {"benchmark": "imagenet200", "version": "OpenOOD v1.5", "set": "\(set)", "role": "csid", "list": "list.txt",
                "listHash": "0", "listedCount": 2}
                """
            options.benchmark = try JSONDecoder().decode(BenchmarkSplit.self, from: Data(split.utf8))
            #expect(
                try pack(drawnRecords(count: 2), folder, options: options).keepsSize == (set == "imagenet_c"))
        }
        let transform = EvaluationTransform(size: 224, shorterSide: 256, normalization: .imageNet)
        let stream = RandomStream(seed: 0, purpose: .test)
        #expect(
            try transform.withoutResize.geometry(width: 224, height: 224, stream: stream)
                == CropGeometry(
                    box: PixelBox(x: 0, y: 0, width: 224, height: 224), width: 224, height: 224))
        #expect(try transform.geometry(width: 224, height: 224, stream: stream).left == 16)
    }

    @Test func encodedImagesComeBackAsTheyCame() throws {
        try withTemporaryFolder { folder in
            for fixture in DecodedImages.all.small { try write(fixture.file, folder, "in/c/\(fixture.name)") }
            try write(DecodedImages.file("grey.jpg"), folder, "in/d/größe.jpg")
            var options = PackingOptions()
            options.layout = .encoded
            options.bytesPerShard = 1500
            let dataset = try pack(ImageFolder(Folder("\(folder)/in")), folder, options: options)
            #expect(dataset.manifest.layout == .encoded && dataset.manifest.shards.count > 2)
            #expect(dataset.path(of: dataset.count - 1) == "d/größe.jpg")
            for record in 0..<dataset.count - 1 {
                let path = try #require(dataset.path(of: record))
                let fixture = try #require(DecodedImages.all.small.first { "c/\($0.name)" == path.text })
                #expect(CRC64(try dataset.image(of: record).bytes).hexadecimal == fixture.checksum)
            }
        }
    }

    @Test func aShardHoldsTheDocumentedDatasets() throws {
        try withTemporaryFolder { folder in
            _ = try pack(drawnRecords(count: 4), folder, "pixels")
            let pixels = try HDF5File(opening: "\(folder)/pixels/shard-00000.h5")
            #expect(try pixels.memberNames() == ["checksums", "images", "labels"])
            #expect(try pixels.shape(of: "images") == [4, 5, 7, 3])
            #expect(try pixels.read("labels") == [0, 1, 2, 0] as [Int32])

            try write(DecodedImages.file("rgb.png"), folder, "in/a/1.png")
            try write(DecodedImages.file("grey.png"), folder, "in/b/2.png")
            var options = PackingOptions()
            options.layout = .encoded
            _ = try pack(ImageFolder(Folder("\(folder)/in")), folder, "encoded", options: options)
            let encoded = try HDF5File(opening: "\(folder)/encoded/shard-00000.h5")
            #expect(try encoded.memberNames() == ["bytes", "checksums", "labels", "offsets", "paths"])
            let sizes = ["rgb.png", "grey.png"].map { UInt64(DecodedImages.file($0).count) }
            #expect(try encoded.read("offsets") == [0, sizes[0], sizes[0] + sizes[1]])
            #expect(
                try encoded.read("bytes") == DecodedImages.file("rgb.png") + DecodedImages.file("grey.png"))
            #expect(try encoded.readStrings("paths") == ["a/1.png", "b/2.png"])
        }
    }

    @Test func manyThreadsReadTheSameRecords() throws {
        try withTemporaryFolder { folder in
            let dataset = try pack(drawnRecords(count: 64), folder)
            DispatchQueue.concurrentPerform(iterations: 256) { i in
                #expect((try? dataset.image(of: i % 64)) == drawnImage(i % 64))
            }
        }
    }

    @Test func theFingerprintIsThatOfTheRecords() throws {
        try withTemporaryFolder { folder in
            let first = try pack(drawnRecords(count: 8), folder, "first")
            let same = try pack(drawnRecords(count: 8), folder, "same")
            let other = try pack(drawnRecords(count: 9), folder, "other")
            #expect(first.fingerprint == same.fingerprint)
            #expect(first.fingerprint != other.fingerprint)
        }
    }

    @Test func aTruncatedShardIsNamedWithBothSizes() throws {
        try withTemporaryFolder { folder in
            let size = try pack(drawnRecords(count: 8), folder).manifest.shards[0].byteCount
            let shard = "\(folder)/set/shard-00000.h5"
            try write(Data(contentsOf: URL(filePath: shard)).prefix(size - 100), folder, "set/shard-00000.h5")
            #expect(
                message { _ = try PackedDataset(path: "\(folder)/set") }
                    == "could not open shard, \(shard): it has \(size - 100) bytes, the manifest says \(size); "
                    + "copy or pack the dataset again")
            try FileManager.default.removeItem(atPath: shard)
            #expect(
                message { _ = try PackedDataset(path: "\(folder)/set") }
                    == "could not open, \(shard): no such file or directory")
        }
    }

    @Test func aFlippedBitIsFoundByVerifying() throws {
        try withTemporaryFolder { folder in
            let dataset = try pack(drawnRecords(count: 8), folder)
            let shard = "\(folder)/set/shard-00000.h5"
            var bytes = try Data(contentsOf: URL(filePath: shard))
            bytes[bytes.count - 1] ^= 1
            try write(bytes, folder, "set/shard-00000.h5")
            let text = message { try PackedDataset.verify(path: "\(folder)/set") }
            #expect(text.hasPrefix("could not verify shard, \(shard): its checksum is "))
            #expect(text.contains("the manifest says \(dataset.manifest.shards[0].checksum)"))
        }
    }

    @Test func aBadManifestIsExplained() throws {
        try withTemporaryFolder { folder in
            #expect(
                message { _ = try PackedDataset(path: folder) }
                    == "could not open dataset, \(folder): there is no manifest.json; "
                    + "make the dataset with 't2fnorm data pack'")
            _ = try pack(drawnRecords(count: 8), folder)
            let good = try String(contentsOfFile: "\(folder)/set/manifest.json", encoding: .utf8)
            let cases = [
                ("\n  \"count\" : 8", "\n  \"count\" : 9", "count is 9, expected the shards' sum"),
                ("\"schemaVersion\" : 1", "\"schemaVersion\" : 7", "schemaVersion is 7, expected 1"),
                ("\"source\"", "\"sauce\"", "the key 'source' is missing"),
                (
                    "\"name\" : \"set\"", "\"name\" : 3",
                    "the value of 'name' has the wrong type"
                ),
                ("{", "", "it is not valid JSON"), (good, "[1, 2]", "it is not a JSON object"),
            ]
            for (text, replacement, reason) in cases {
                try write(
                    good.replacingOccurrences(of: text, with: replacement).utf8, folder, "set/manifest.json")
                let found = message { _ = try PackedDataset(path: "\(folder)/set") }
                #expect(found.hasPrefix("could not read manifest, \(folder)/set/manifest.json: \(reason)"))
            }
        }
    }
}
