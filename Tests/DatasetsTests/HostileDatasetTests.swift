import Checksums
import DatasetSamples
import Datasets
import Foundation
import Numerics
import TestSupport
import Testing

/// Forged manifests: each is refused when it is read, by `verify` and by training, and none crashes
/// the program.
@Suite(.timeLimit(.minutes(30))) struct HostileDatasetTests {
    /// Packs 20 images and applies `change` to the manifest.
    private func dataset(_ folder: String, _ change: (inout [String: Any]) -> Void) throws -> String {
        _ = try pack(drawnRecords(count: 20), folder)
        let path = "\(folder)/set"
        var json = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: "\(path)/manifest.json")))
                as? [String: Any])
        change(&json)
        try write(try JSONSerialization.data(withJSONObject: json), path, "manifest.json")
        return path
    }

    private func expect(
        _ reason: String, _ change: (inout [String: Any]) -> Void, location: SourceLocation = #_sourceLocation
    ) throws {
        try withTemporaryFolder { folder in
            let path = try dataset(folder, change)
            for found in [
                message { _ = try PackedDataset(path: path) },
                message { try PackedDataset.verify(path: path) },
            ] {
                #expect(found.contains(reason), "\(found)", sourceLocation: location)
            }
        }
    }

    /// Changes one field of every shard.
    private func shards(_ json: inout [String: Any], _ field: String, _ value: Any) {
        json["shards"] = (json["shards"] as? [[String: Any]] ?? []).map {
            $0.merging([field: value]) { _, new in new }
        }
    }

    @Test(arguments: [
        "../../escaped.h5", "../set/shard-00000.h5", "/etc/passwd", "", ".", "..", "a/b.h5",
        "a/../shard-00000.h5",
        "shard\0.h5", "manifest.json",
    ])
    func aShardLiesInTheFolderOfItsManifest(file: String) throws {
        try expect("expected the name of a file in the dataset's folder") { shards(&$0, "file", file) }
        try withTemporaryFolder { folder in
            let path = try dataset(folder) { shards(&$0, "file", file) }
            let found = message { try DatasetStaging(path, in: "\(folder)/local").copy() }
            #expect(found.contains("expected the name of a file in the dataset's folder"))
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/local"))
        }
    }

    @Test(arguments: [-1, 0, 79, 20 * (4 + 105) - 1, Int.max])
    func aShardHasRoomForItsRecords(byteCount: Int) throws {
        guard byteCount != .max else {
            return try expect("the manifest says 9223372036854775807") { shards(&$0, "byteCount", byteCount) }
        }
        try expect("shard 0 has 20 records in \(byteCount) bytes") { shards(&$0, "byteCount", byteCount) }
    }

    @Test(arguments: [-5, 0, 1 << 40, Int.max, Int.min])
    func countsThatNoShardHasAreNamed(count: Int) throws {
        try expect("shard 0 has \(count) records in ") {
            shards(&$0, "count", count)
            $0["count"] = count
        }
    }

    @Test func sumsBeyondAllNumbersAreRefused() throws {
        try expect("the sum of its shards' record or byte counts overflows") { json in
            let shard = (json["shards"] as? [[String: Any]])?.first ?? [:]
            json["shards"] = (0..<3).map {
                shard.merging(["file": "\($0).h5", "byteCount": Int.max]) { _, new in new }
            }
        }
        try expect("the same as that of an earlier shard") { json in
            let shard = (json["shards"] as? [[String: Any]])?.first ?? [:]
            json["shards"] = [shard, shard]
            json["count"] = 40
        }
        try expect("count is 0, expected the shards' sum 0, above 0") {
            $0["shards"] = [Any]()
            $0["count"] = 0
        }
    }

    @Test(arguments: [-3, 16_777_217, 2_000_000_001, 1_000_000_000_000_000_000, Int.max])
    func aNumberOfClassesIsBounded(count: Int) throws {
        try expect("classCount is \(count), expected 0 to 16777216") {
            $0["classCount"] = count
            $0["classNames"] = [String]()
        }
    }

    @Test func labelsAndNamesGoWithTheNumberOfClasses() throws {
        try expect("classNames has 3 names, classCount is 2") { $0["classCount"] = 2 }
        try expect("record 2: its label is 2, the manifest has 2 classes") {
            $0["classCount"] = 2
            $0["classNames"] = ["a", "b"]
        }
        try expect("record 0: its label is 0, the manifest has 0 classes, so every label must be -1") {
            $0["classCount"] = 0
            $0["classNames"] = [String]()
        }
    }

    @Test(arguments: [
        [-32, -32, 3], [0, 0, 3], [5, 7, 1], [5, 7, 4], [1 << 31, 1 << 31, 3], [Int.max, Int.max, 3],
        [Int.max, 1, 3], [1, 1 << 30, 3],
    ])
    func aLayoutThatNoImageHasIsNamed(shape: [Int]) throws {
        try expect("layout is pixels of \(shape[0])×\(shape[1])×\(shape[2]), expected") {
            $0["layout"] = ["pixels": ["height": shape[0], "width": shape[1], "channels": shape[2]]]
        }
    }

    @Test func aLayoutThatIsNotTheShardsIsNamed() throws {
        try expect("'images' has shape [20, 5, 7, 3], expected uint8 [20, 7, 5, 3]") {
            $0["layout"] = ["pixels": ["height": 7, "width": 5, "channels": 3]]
        }
        try expect("could not read shape of 'offsets': there is no such dataset") {
            $0["layout"] = ["encoded": [String: Int]()]
        }
    }

    @Test func whatItSaysOfChecksumsGoesWithTheShard() throws {
        try expect("it holds record checksums, but the manifest declares none") {
            $0["recordChecksum"] = nil
        }
        try expect("the checksum of shard 0 is not 16 hexadecimal digits") {
            shards(&$0, "checksum", "../x")
        }
        try expect("recordChecksum is '\(String(repeating: "x", count: 40))', expected") {
            $0["recordChecksum"] = String(repeating: "x", count: 5_000_000)
        }
        try expect("name has 5000000 bytes, expected at most 1024") {
            $0["name"] = String(repeating: "x", count: 5_000_000)
        }
    }

    @Test func theManifestsNameIsNoPathOfACopy() throws {
        try withTemporaryFolder { folder in
            let path = try dataset(folder) { $0["name"] = "../../x\n\u{1B}[2J" }
            #expect(try DatasetStaging(path, in: folder).destination.hasPrefix("\(folder)/set-"))
            let staging = try DatasetStaging("\(path)/.", in: "\(folder)/local")
            #expect(staging.destination.hasPrefix("\(folder)/local/"))
            #expect(!staging.destination.contains(".."))
        }
    }

    /// A shard that matches its manifest, with one record that does not match its checksum.
    @Test func verifyReadsEachRecordAsTrainingDoes() throws {
        try withTemporaryFolder { folder in
            let path = try dataset(folder) { _ in }
            var bytes = try [UInt8](ByteFile.read("\(path)/shard-00000.h5"))
            let image = try #require(bytes.firstRange(of: drawnImage(6).bytes)).lowerBound
            bytes[image + 3] ^= 4
            try write(bytes, path, "shard-00000.h5")
            let text = try String(contentsOfFile: "\(path)/manifest.json", encoding: .utf8)
            let old = try Manifest(folder: path).shards[0].checksum
            try write(
                text.replacing(old, with: CRC64(bytes).hexadecimal).utf8, path, "manifest.json")
            let found = message { try PackedDataset.verify(path: path) }
            #expect(
                found.hasPrefix(
                    "could not read record, \(path)/shard-00000.h5, record 6: its bytes do not match its checksum"
                ),
                "\(found)")
        }
    }

    /// Wrong bits in the shard's headers, with a manifest that matches the damaged shard. Two of
    /// them would crash HDF5 1.10.8, which is not called.
    @Test func noWrongBitsEndTheProgram() throws {
        try withTemporaryFolder { folder in
            let path = try dataset(folder) { _ in }
            let bytes = try [UInt8](ByteFile.read("\(path)/shard-00000.h5"))
            var stream = RandomStream(seed: 5, purpose: .test)
            var refused = 0
            for _ in 0..<1000 {
                var damaged = bytes
                for _ in 0..<2 {
                    damaged[stream.integer(below: 2048)] ^= 1 << UInt8(stream.integer(below: 8))
                }
                try write(damaged, path, "shard-00000.h5")
                do {
                    let set = try PackedDataset(path: path)
                    for record in 0..<set.count { _ = try? set.image(of: record) }
                } catch {
                    refused += 1
                }
            }
            #expect(refused > 50)
        }
    }

    @Test func aPipeAndASparseFileAreRefused() throws {
        try withTemporaryFolder { folder in
            let path = try dataset(folder) { _ in }
            let shard = "\(path)/shard-00000.h5"
            try FileManager.default.removeItem(atPath: shard)
            #expect(unsafe mkfifo(shard, 0o600) == 0)
            #expect(
                message { _ = try PackedDataset(path: path) }
                    == "could not open, \(shard): it is not a regular file")
            #expect(unsafe truncate("\(path)/manifest.json", 1 << 40) == 0)
            #expect(
                message { _ = try PackedDataset(path: path) }
                    == "could not read, \(path)/manifest.json: it has 1099511627776 bytes, expected at most 268435456"
            )
        }
    }

    @Test func aBenchmarksNamesAreFoldersAndItsCountsAreCounts() throws {
        try withTemporaryFolder { folder in
            func definition(_ name: String, classes: Int = 10, count: Int = 5) throws -> String {
                let json = try JSONSerialization.data(withJSONObject: [
                    "name": "mine", "version": "1", "classCount": classes,
                    "sets": [["name": name, "role": "test", "list": "l.txt", "images": "i", "count": count]],
                ])
                return try write(json, folder, "mine.json")
            }
            #expect(message { _ = try OpenOODBenchmark(definition("svhn")) } == "")
            for name in ["../x", "a/b", "", ".", "x\0y"] {
                #expect(
                    message { _ = try OpenOODBenchmark(definition(name)) }
                        .contains("a name is not a valid folder name"))
            }
            #expect(
                message { _ = try OpenOODBenchmark(definition("a", classes: .max)) }.contains("classCount"))
            #expect(message { _ = try OpenOODBenchmark(definition("a", count: -1)) }.contains("below 1"))
        }
    }
}
