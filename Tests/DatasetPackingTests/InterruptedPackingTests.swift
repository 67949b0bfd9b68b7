import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import Synchronization
import TestSupport
import Testing

/// Interrupted packing resumes from the finished shards, and gives the same bytes as an undisturbed
/// run.
@Suite(.timeLimit(.minutes(30))) struct InterruptedPackingTests {
    private static let count = 230

    private var options: PackingOptions {
        var options = PackingOptions()
        options.recordsPerShard = 30
        options.threads = 2
        return options
    }

    /// Synthetic records, of which `broken` throws; `asked` counts the requested records.
    private func source(broken: Int? = nil, asked: Asked = Asked()) -> GeneratedRecords {
        GeneratedRecords(origin: "drawn", count: Self.count) { index throws(DatasetError) in
            asked.count.add(1, ordering: .relaxed)
            if index == broken { throw DatasetError(action: "draw", place: "\(index)", reason: "no paint") }
            return (Int32(index % 3), drawnImage(index % 225))
        }
    }

    /// Leaves shards 0 to 4 finished in `folder/set.partial`.
    private func interrupt(_ folder: String) {
        let found = message { _ = try pack(source(broken: 175), folder, options: options) }
        #expect(
            found
                == "could not draw, 175: no paint; finished shards are kept in \(folder)/set.partial, "
                + "the same command goes on from there")
    }

    @Test func finishedShardsAreNotPackedAgainAndTheBytesAreTheSame() throws {
        try withTemporaryFolder { folder in
            let undisturbed = try pack(source(), "\(folder)/undisturbed", options: options)
            interrupt(folder)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/set"))
            let asked = Asked()
            var calls: [[Int]] = []
            var packer = Packer(
                source: source(asked: asked), name: "set", destination: "\(folder)/set", options: options)
            let manifest = try packer.run { calls.append([$0.done, $0.resumed]) }
            #expect(asked.count.load(ordering: .relaxed) == Self.count - 150)
            #expect(calls.first == [180, 150] && calls.last == [Self.count, 150])
            #expect(manifest.shards == undisturbed.manifest.shards)
            #expect(try contents(of: "\(folder)/set") == contents(of: "\(folder)/undisturbed/set"))
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.sorted() == ["set", "undisturbed"])
        }
    }

    @Test func aFinishedShardThatWasDamagedIsPackedAgain() throws {
        try withTemporaryFolder { folder in
            let undisturbed = try pack(source(), "\(folder)/undisturbed", options: options)
            interrupt(folder)
            let shard = "\(folder)/set.partial/dataset/shard-00002.h5"
            var bytes = try Data(contentsOf: URL(filePath: shard))
            bytes[bytes.count / 2] ^= 4
            try bytes.write(to: URL(filePath: shard))
            try FileManager.default.removeItem(atPath: "\(folder)/set.partial/dataset/shard-00004.h5")
            let asked = Asked()
            let dataset = try pack(source(asked: asked), folder, options: options)
            #expect(asked.count.load(ordering: .relaxed) == Self.count - 90)
            #expect(dataset.manifest.shards == undisturbed.manifest.shards)
        }
    }

    @Test func otherOptionsAreNoticedAndRestartBeginsAnew() throws {
        try withTemporaryFolder { folder in
            interrupt(folder)
            var other = options
            other.limit = 200
            other.recordsPerShard = 31
            let found = message { _ = try pack(source(), folder, options: other) }
            #expect(
                found == "could not resume an interrupted run, \(folder)/set.partial: "
                    + "limit was not given, is 200; shard-size was 30, is 31; "
                    + "give the same options, or --restart to start over")
            other.restart = true
            let set = try pack(source(), folder, options: other)
            #expect(set.manifest.shards.map(\.count).max() == 31)
        }
    }

    @Test func whatWasLeftOutIsRememberedAndAnotherPolicyIsTaken() throws {
        try withTemporaryFolder { folder in
            for index in 0..<12 {
                let file =
                    index == 1 ? BadImages.bad("cut.jpg") : DecodedImages.file("rgb.png") + [UInt8(index)]
                try write(file, folder, "in/\(index / 10)/\(index % 10).jpg")
            }
            try write(BadImages.bad("cut.jpg"), folder, "in/1/9.jpg")
            var options = PackingOptions()
            options.recordsPerShard = 4
            options.onBad = .skip
            let whole = try pack(ImageFolder(Folder("\(folder)/in")), folder, "whole/set", options: options)
            #expect(whole.count == 11 && whole.manifest.shards.map(\.count) == [3, 4, 4])

            // The first bad image stops packing: no shard is finished, so nothing is left.
            options.onBad = .stop
            _ = message { _ = try pack(ImageFolder(Folder("\(folder)/in")), folder, options: options) }
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/set.partial"))
            // The second bad image stops packing: the first shard is kept, also for the other
            // policy.
            try write(DecodedImages.file("rgb.png") + [1], folder, "in/0/1.jpg")
            _ = message { _ = try pack(ImageFolder(Folder("\(folder)/in")), folder, options: options) }
            #expect(FileManager.default.fileExists(atPath: "\(folder)/set.partial/parts/00001.json"))
            options.onBad = .skip
            let set = try pack(ImageFolder(Folder("\(folder)/in")), folder, options: options)
            #expect(set.manifest.shards.map(\.count) == [4, 4, 4])
            let report = try String(contentsOfFile: "\(folder)/set/report.csv", encoding: .utf8)
            #expect(report.contains("damaged,1/9.jpg") && !report.contains("damaged,0/1.jpg"))
        }
    }

    @Test func twoAtATimeAreRefused() throws {
        try withTemporaryFolder { folder in
            let inner = Mutex("")
            let source = GeneratedRecords(origin: "drawn", count: 40) { index in
                if index == 35 {
                    inner.withLock {
                        $0 = message { _ = try pack(drawnRecords(count: 40), folder, options: options) }
                    }
                }
                return (0, drawnImage(index))
            }
            let set = try pack(source, folder, options: options)
            #expect(set.count == 40)
            #expect(
                inner.withLock { $0 }
                    == "could not pack, \(folder)/set.partial/lock: another process is packing "
                    + "the same dataset; wait for it, or give another folder")
        }
    }

    @Test func aRunKilledBetweenTheLastTwoStepsIsFinished() throws {
        try withTemporaryFolder { folder in
            let files = FileManager.default
            interrupt(folder)
            try files.copyItem(
                atPath: "\(folder)/set.partial/packing.json", toPath: "\(folder)/packing.json")
            let dataset = try pack(source(), folder, options: options)
            try files.createDirectory(
                atPath: "\(folder)/set.partial", withIntermediateDirectories: true)
            try files.moveItem(atPath: "\(folder)/packing.json", toPath: "\(folder)/set.partial/packing.json")
            let again = try pack(source(), folder, options: options)
            #expect(again.manifest == dataset.manifest)
            #expect(!files.fileExists(atPath: "\(folder)/set.partial"))
            #expect(
                message { _ = try pack(source(), folder, options: options) }.contains("a dataset already"))
        }
    }
}

private final class Asked: Sendable {
    let count = Atomic(0)
}

/// The files of a dataset, without the date in its manifest.
private func contents(of folder: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
        files[name] = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
    }
    let manifest = String(decoding: files["manifest.json"] ?? Data(), as: UTF8.self)
    files["manifest.json"] = Data(
        manifest.split(separator: "\n").filter { !$0.contains("\"created\"") }.joined().utf8)
    return files
}
