import Foundation
import TestSupport
import Testing

/// `data pack` after a kill, and on several ranks, gives the same bytes as one undisturbed process.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct InterruptedPackTests {
    private static let imageCount = 480

    /// Images that differ in their last byte or two, one damaged, in two class folders.
    private func makeImages(_ folder: String) throws {
        let json = try Data(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Fixtures/bad_images.json"))
        let fixture = try JSONDecoder().decode(Fixture.self, from: json)
        let good = try #require(fixture.good["rgb.png"]?.file)
        for name in ["a", "b"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/in/\(name)", withIntermediateDirectories: true)
        }
        for index in 0..<Self.imageCount {
            // Every fiftieth image is a duplicate.
            let number = index % 50 == 49 ? 3 : index
            var file = good + [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
            if index == 333 { file = try #require(fixture.bad["cut.jpg"]) }
            try file.write(
                to: URL(filePath: "\(folder)/in/\(index % 2 == 0 ? "a" : "b")/\(1000 + index).png"))
        }
    }

    private func arguments(_ folder: String, _ output: String) -> [String] {
        [
            "data", "pack", "\(folder)/in", "--output", "\(folder)/\(output)", "--name", "set", "--layout",
            "encoded",
            "--on-bad", "skip", "--shard-size", "16", "--shuffle-seed", "3", "--threads", "1",
        ]
    }

    /// A dataset's files, without the date in its manifest.
    private func contents(of folder: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            files[name] = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
        }
        let manifest = String(decoding: files["manifest.json"] ?? Data(), as: UTF8.self)
        let lines = manifest.split(separator: "\n").filter { !$0.contains("\"created\"") }
        files["manifest.json"] = Data(lines.joined(separator: "\n").utf8)
        return files
    }

    @Test func killedAtAnyTimeItGoesOnToTheSameBytes() async throws {
        try await withTemporaryFolder { folder in
            try makeImages(folder)
            let whole = try await Command(Command.product("t2fnorm"), arguments(folder, "whole")).run()
            #expect(whole.exitCode == 0, "\(whole.standardError)")
            let expected = try contents(of: "\(folder)/whole")
            #expect(expected.count == Self.imageCount / 16 + 2 && expected["report.csv"] != nil)
            var random = SplitMix(state: 20)
            var (killed, resumed) = (0, 0)
            // Kills at the start, or after a random number of finished shards; a run may end before
            // its shard is noticed.
            for trial in 0..<200 where killed < 20 {
                let output = "killed\(trial)"
                let shardCount = Int(random.next() % UInt64(Self.imageCount / 16))
                let interrupted = try await Command(
                    Command.product("t2fnorm"), arguments(folder, output)
                ).run(killedWhen: {
                    let finished = try? FileManager.default.contentsOfDirectory(
                        atPath: "\(folder)/\(output).partial/parts")
                    return finished?.count ?? 0 >= shardCount
                })
                #expect([0, 137].contains(interrupted.exitCode), "\(interrupted.standardError)")
                if interrupted.exitCode != 0 { killed += 1 }
                let isThere = FileManager.default.fileExists(atPath: "\(folder)/\(output)")
                if isThere {
                    #expect(try contents(of: "\(folder)/\(output)") == expected, "\(shardCount) shards")
                }
                // If the killed run has already finished, the second one refuses; else it resumes
                // or starts anew.
                let second = try await Command(Command.product("t2fnorm"), arguments(folder, output)).run()
                if second.standardOutput.contains("going on") { resumed += 1 }
                #expect(
                    second.exitCode == 0
                        || (isThere && second.standardError.contains("there is a dataset already")),
                    "\(second.standardError)")
                #expect(try contents(of: "\(folder)/\(output)") == expected, "\(shardCount) shards")
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/\(output).partial"))
            }
            #expect(killed == 20 && resumed > 0, "\(killed) were killed, \(resumed) went on")
        }
    }

    @Test(arguments: [1, 2, 4])
    func ranksGiveTheSameBytes(ranks: Int) async throws {
        try await withTemporaryFolder { folder in
            try makeImages(folder)
            let alone = try await Command(Command.product("t2fnorm"), arguments(folder, "alone")).run()
            #expect(alone.exitCode == 0, "\(alone.standardError)")
            let together = try await Command.mpirun(ranks: ranks, "t2fnorm", arguments(folder, "ranks")).run()
            #expect(together.exitCode == 0, "\(together.standardError)")
            let expected = try contents(of: "\(folder)/alone")
            #expect(try contents(of: "\(folder)/ranks") == expected)
            let report = String(decoding: try #require(expected["report.csv"]), as: UTF8.self)
            #expect(report.contains("damaged,b/1333.png") && report.split(separator: "\n").count == 11)
            let lines = together.standardOutput.split(separator: "\n").filter {
                $0.contains("479 images, encoded")
            }
            #expect(lines.count == 1)
        }
    }

    @Test(arguments: [1, 3])
    func aBadImageStopsAllRanksWithOneLineAndTheSecondRunMayHaveOtherRanks(ranks: Int) async throws {
        try await withTemporaryFolder { folder in
            try makeImages(folder)
            // Without a shuffle, so that the bad image comes late.
            let lists = arguments(folder, "set").filter { $0 != "--shuffle-seed" && $0 != "3" }
            let stopping = lists.map { $0 == "skip" ? "stop" : $0 }
            let stopped = try await Command.mpirun(ranks: ranks, "t2fnorm", stopping).run()
            #expect(stopped.exitCode == 3)
            let errors = stopped.standardError.split(separator: "\n").filter { $0.hasPrefix("t2fnorm:") }
            #expect(errors.count == 1)
            #expect(errors[0].contains("in/b/1333.png: ") && errors[0].contains("--on-bad skip"))
            #expect(errors[0].contains("finished shards are kept in \(folder)/set.partial"))
            let skipped = try await Command.mpirun(ranks: 4 - ranks, "t2fnorm", lists).run()
            #expect(skipped.exitCode == 0, "\(skipped.standardError)")
            #expect(skipped.standardOutput.contains("going on"))
            let verified = try await Command(
                Command.product("t2fnorm"), ["data", "verify", "\(folder)/set"]
            ).run()
            #expect(
                verified.exitCode == 0
                    && verified.standardOutput.contains("479 images in 30 shards are whole"))
        }
    }

    @Test func otherOptionsAreNoticed() async throws {
        try await withTemporaryFolder { folder in
            try makeImages(folder)
            let stopping = arguments(folder, "set").map { $0 == "skip" ? "stop" : $0 }
            _ = try await Command(Command.product("t2fnorm"), stopping).run()
            let other = stopping + ["--resize-shorter", "9"]
            let outcome = try await Command.mpirun(ranks: 2, "t2fnorm", other).run()
            #expect(outcome.exitCode == 3)
            #expect(
                outcome.standardError.contains(
                    "quality was not given, is 95; resize-shorter was not given, is 9; give the same options, or --restart"
                ), "\(outcome.standardError)")
            let usage = try await Command(Command.product("t2fnorm"), stopping + ["--quality", "90"]).run()
            #expect(
                usage.exitCode == 2 && usage.standardError.contains("--quality goes with --resize-shorter"))
        }
    }
}

/// Vigna's SplitMix64.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

private struct Fixture: Decodable {
    struct Good: Decodable {
        var file: Data
    }
    var good: [String: Good]
    var bad: [String: Data]
}
