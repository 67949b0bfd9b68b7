import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct DatasetStagingTests {
    private func pack(_ folder: String, _ name: String, count: Int) throws -> PackedDataset {
        var options = PackingOptions()
        options.recordsPerShard = 7
        options.overwrite = true
        return try DatasetSamples.pack(drawnRecords(count: count), folder, name, options: options)
    }

    @Test func theCopyIsTheDatasetAndASecondTimeNothingIsRead() throws {
        try withTemporaryFolder { folder in
            let set = try pack(folder, "set", count: 23)
            let staging = try DatasetStaging("\(folder)/set", in: "\(folder)/local")
            #expect(staging.destination == "\(folder)/local/set-\(set.fingerprint)")
            #expect(!staging.isComplete)
            let calls = Mutex<[[Int]]>([])
            try staging.copy(threads: 2) { done, total in calls.withLock { $0.append([done, total]) } }
            let total = set.manifest.shards.reduce(0) { $0 + $1.byteCount }
            #expect(calls.withLock { $0.last } == [total, total])
            let copy = try PackedDataset(path: staging.destination)
            #expect(copy.manifest == set.manifest)
            for record in 0..<23 { #expect(try copy.image(of: record) == drawnImage(record)) }
            #expect(staging.isComplete)
            try FileManager.default.removeItem(atPath: "\(folder)/set/shard-00000.h5")
            try staging.copy()
        }
    }

    @Test func anInterruptedCopyGoesOnAndDamagedFilesAreCopiedAgain() throws {
        try withTemporaryFolder { folder in
            let set = try pack(folder, "set", count: 23)
            let staging = try DatasetStaging("\(folder)/set", in: "\(folder)/local")
            try staging.copy()
            let local = staging.destination
            // The state after a killed copy: no manifest, a missing shard, a partly written one,
            // and one with a wrong bit.
            for name in ["manifest.json", "shard-00001.h5"] {
                try FileManager.default.removeItem(atPath: "\(local)/\(name)")
            }
            var bytes = try [UInt8](ByteFile.read("\(local)/shard-00002.h5"))
            bytes[bytes.count / 2] ^= 1
            try write(bytes, local, "shard-00002.h5")
            try write([1, 2], local, "shard-00001.h5.partial-2147483646")
            try FileManager.default.removeItem(atPath: "\(folder)/set/shard-00000.h5")
            try staging.copy(threads: 3)
            try PackedDataset.verify(path: local)
            let names = try FileManager.default.contentsOfDirectory(atPath: local).sorted()
            #expect(names == ["manifest.json"] + set.manifest.shards.map(\.file))
        }
    }

    /// A copy by a process in another PID namespace is not treated as a leftover, although its id
    /// does not exist here.
    @Test func aCopyThatIsBeingMadeElsewhereIsLeftAlone() throws {
        try withTemporaryFolder { folder in
            _ = try pack(folder, "set", count: 9)
            let staging = try DatasetStaging("\(folder)/set", in: "\(folder)/local")
            try FileManager.default.createDirectory(
                atPath: staging.destination, withIntermediateDirectories: true)
            let other = "\(staging.destination)/shard-00001.h5.partial-2147483646"
            let descriptor = unsafe open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
            try #require(descriptor >= 0 && flock(descriptor, LOCK_EX) == 0)
            try staging.copy()
            #expect(FileManager.default.fileExists(atPath: other))
            _ = close(descriptor)
            try FileManager.default.removeItem(atPath: "\(staging.destination)/manifest.json")
            try staging.copy()
            #expect(!FileManager.default.fileExists(atPath: other))
            #expect(staging.isComplete)
        }
    }

    @Test func datasetsOfOneNameDoNotMeet() throws {
        try withTemporaryFolder { folder in
            _ = try pack(folder, "a/set", count: 9)
            _ = try pack(folder, "b/set", count: 10)
            let stagings = try ["a", "b"].map {
                try DatasetStaging("\(folder)/\($0)/set", in: "\(folder)/local")
            }
            for staging in stagings { try staging.copy() }
            #expect(try stagings.map { try PackedDataset(path: $0.destination).count } == [9, 10])
        }
    }

    @Test func aDamagedOriginalIsNamed() throws {
        try withTemporaryFolder { folder in
            _ = try pack(folder, "set", count: 9)
            let shard = "\(folder)/set/shard-00001.h5"
            var bytes = try [UInt8](ByteFile.read(shard))
            bytes[bytes.count - 1] ^= 1
            try write(bytes, folder, "set/shard-00001.h5")
            let staging = try DatasetStaging("\(folder)/set", in: "\(folder)/local")
            let found = message { try staging.copy() }
            #expect(found.hasPrefix("could not stage shard, \(shard): its checksum is "))
            #expect(!staging.isComplete)
            let left = try FileManager.default.contentsOfDirectory(atPath: staging.destination)
            #expect(left == ["shard-00000.h5"])
        }
    }

    @Test func aFolderThatCannotBeMadeIsNamed() throws {
        try withTemporaryFolder { folder in
            let set = try pack(folder, "set", count: 9)
            let staging = try DatasetStaging("\(folder)/set", in: "/proc/local")
            #expect(
                message { try staging.copy() }.hasPrefix(
                    "could not stage dataset, /proc/local/set-\(set.fingerprint): "))
        }
    }
}
