import Checksums
import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import HDF5
import Numerics
import TestSupport
import Testing

/// A flipped bit anywhere in a shard is detected and reported, and never gives a wrong image or
/// label.
@Suite(.timeLimit(.minutes(30))) struct RecordChecksumTests {
    private func dataset(isEncoded: Bool, _ folder: String) throws -> PackedDataset {
        guard isEncoded else { return try pack(drawnRecords(count: 23), folder) }
        for (index, name) in ["rgb.png", "grey.png", "rgb 4:2:0.jpg", "grey.jpg"].enumerated() {
            for copy in 0..<3 {
                try write(DecodedImages.file(name) + [UInt8(copy)], folder, "in/\(index)/\(copy).jpg")
            }
        }
        var options = PackingOptions()
        options.layout = .encoded
        return try pack(ImageFolder(Folder("\(folder)/in")), folder, options: options)
    }

    @Test(arguments: [false, true])
    func everyFlippedBitIsFoundAndNeverBecomesAnImage(isEncoded: Bool) throws {
        try withTemporaryFolder { folder in
            let good = try dataset(isEncoded: isEncoded, folder)
            let images = try (0..<good.count).map { try good.image(of: $0) }
            let labels = (0..<good.count).map { good.label(of: $0) }
            let shard = "\(folder)/set/shard-00000.h5"
            let bytes = try [UInt8](ByteFile.read(shard))
            var stream = RandomStream(seed: 5, purpose: .test)
            var named = 0
            for _ in 0..<400 {
                let position = stream.integer(below: bytes.count)
                var damaged = bytes
                damaged[position] ^= 1 << UInt8(stream.integer(below: 8))
                try write(damaged, folder, "set/shard-00000.h5")
                let found = message { try PackedDataset.verify(path: "\(folder)/set") }
                #expect(
                    found.hasPrefix("could not verify shard, \(shard): its checksum is "),
                    "\(position): \(found)")
                if found.contains("damaged: record ") { named += 1 }
                guard let set = try? PackedDataset(path: "\(folder)/set") else { continue }
                for record in 0..<set.count {
                    #expect(set.label(of: record) == labels[record], "\(position)")
                    do {
                        #expect(try set.image(of: record) == images[record], "\(position)")
                    } catch {
                        #expect(
                            "\(error)".hasPrefix("could not read record, \(shard), record \(record)"),
                            "\(error)")
                        #expect(
                            found.contains("damaged: record \(record)")
                                || found.contains("no image is at its expected offset"), "\(found)")
                    }
                }
            }
            // Most bytes of both shards are images.
            #expect(named > 100)
        }
    }

    /// Training and evaluation read records through the loader, into reused memory.
    @Test(arguments: [false, true])
    func theLoaderComparesEveryRecord(isEncoded: Bool) throws {
        try withTemporaryFolder { folder in
            _ = try dataset(isEncoded: isEncoded, folder)
            let shard = "\(folder)/set/shard-00000.h5"
            var bytes = try [UInt8](ByteFile.read(shard))
            // Record 7; in an encoded file no decoder needs its last byte.
            let image = isEncoded ? DecodedImages.file("rgb 4:2:0.jpg") + [1] : drawnImage(7).bytes
            let place = try #require(bytes.firstRange(of: image))
            bytes[place.upperBound - 1] ^= 1
            try write(bytes, folder, "set/shard-00000.h5")
            let set = try PackedDataset(path: "\(folder)/set")
            let transform = EvaluationTransform(
                size: 8, shorterSide: 8,
                normalization: ChannelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1]))
            let loader = try BatchLoader(
                EvaluationBatches(count: set.count, microbatchSize: 2, microbatchesPerBatch: 2), of: set,
                transform: transform)
            let first = try #require(try loader.next())
            #expect(first.records == [0, 1, 2, 3])
            let found = message { _ = try loader.next() }
            #expect(
                found.hasPrefix("could not read record, \(shard), record 7")
                    && found.contains("its bytes are damaged: checksum "), "\(found)")
        }
    }

    @Test func theRecordAndItsFileAreNamed() throws {
        try withTemporaryFolder { folder in
            let set = try dataset(isEncoded: true, folder)
            let shard = "\(folder)/set/shard-00000.h5"
            var bytes = try [UInt8](ByteFile.read(shard))
            let file = DecodedImages.file("rgb 4:2:0.jpg") + [1]
            let place = try #require(bytes.firstRange(of: file)?.lowerBound)
            bytes[place + file.count / 2] ^= 8
            try write(bytes, folder, "set/shard-00000.h5")
            let found = message { try PackedDataset.verify(path: "\(folder)/set", threads: 2) }
            #expect(
                found.hasSuffix(
                    "; damaged: record 7 (2/1.jpg); copy or pack the dataset again"), "\(found)")
            let read = message { _ = try set.image(of: 7) }
            #expect(
                read.hasPrefix(
                    "could not read record, \(shard), record 7 (2/1.jpg): its bytes are damaged: checksum "))
            #expect(try set.image(of: 6).width > 0)
        }
    }

    @Test func allDamagedShardsAreNamed() throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            options.recordsPerShard = 5
            _ = try pack(drawnRecords(count: 23), folder, options: options)
            for index in [1, 3] {
                var bytes = try [UInt8](ByteFile.read("\(folder)/set/shard-0000\(index).h5"))
                bytes[bytes.count - 1] ^= 1
                try write(bytes, folder, "set/shard-0000\(index).h5")
            }
            let found = message { try PackedDataset.verify(path: "\(folder)/set", threads: 3) }
            #expect(found.contains("set/shard-00001.h5: ") && found.contains("also damaged: shard-00003.h5"))
        }
    }

    @Test func datasetsWithoutRecordChecksumsAreReadable() throws {
        try withTemporaryFolder { folder in
            _ = try pack(drawnRecords(count: 9), folder)
            let path = "\(folder)/set/manifest.json"
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            let older = lines.filter { !$0.contains("recordChecksum") }.joined(separator: "\n")
            #expect(older.count < lines.joined(separator: "\n").count)
            try write(older.utf8, folder, "set/manifest.json")
            // The shard in the format of an earlier version.
            let shard = "\(folder)/set/shard-00000.h5"
            try HDF5File.writeAtomically(to: shard) { file in
                try file.write((0..<9).flatMap { drawnImage($0).bytes }, shape: [9, 5, 7, 3], to: "images")
                try file.write((0..<9).map { Int32($0 % 3) }, to: "labels")
            }
            let bytes = try [UInt8](ByteFile.read(shard))
            let written = try Manifest(folder: "\(folder)/set").shards[0]
            let adapted = older.replacing(written.checksum, with: CRC64(bytes).hexadecimal)
                .replacing("\(written.byteCount)", with: "\(bytes.count)")
            try write(adapted.utf8, folder, "set/manifest.json")
            let set = try PackedDataset(path: "\(folder)/set")
            #expect(try set.image(of: 8) == drawnImage(8))
            try set.verify()
            let other = lines.map { $0.replacing("crc32c", with: "crc99") }.joined(separator: "\n")
            try write(other.utf8, folder, "set/manifest.json")
            #expect(
                message { _ = try PackedDataset(path: "\(folder)/set") }.contains(
                    "recordChecksum is 'crc99', expected 'crc32c'"))
        }
    }
}
