import Foundation
import TestSupport
import Testing

/// `--stage` by the command line.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct StagingTests {
    private func withBenchmark(_ body: (_ folder: String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try await DrawnData.link(into: folder, train: 128)
            try await body(folder)
        }
    }

    private func train(_ folder: String, name: String) -> [String] {
        let settings = [
            "name=\(name)", "output=\(folder)/runs", "network.name=resnet20", "training.epochs=1",
            "training.batch=64", "training.microbatch=16", "data.train=\(folder)/data/train",
            "data.validation=\(folder)/data/validation", "data.test=\(folder)/data/test",
            "evaluation.near={near-shapes: \(folder)/data/near-shapes}",
            "evaluation.far={far-noise: \(folder)/data/far-noise}",
        ]
        return ["train"] + settings.flatMap { ["--set", $0] }
    }

    @Test func aRunReadsTheCopiesAndGivesTheSameResults() async throws {
        try await withBenchmark { folder in
            let stage = ["--stage", "\(folder)/local"]
            let plain = try await Command.mpirun(ranks: 2, "t2fnorm", train(folder, name: "plain")).run()
            #expect(plain.exitCode == 0, "\(plain.standardError)")
            let staged = try await Command.mpirun(
                ranks: 2, "t2fnorm", train(folder, name: "staged") + stage
            ).run()
            #expect(staged.exitCode == 0, "\(staged.standardError)")
            for set in ["train", "validation"] {
                let lines = staged.standardOutput.split(separator: "\n")
                    .filter { $0.contains("  staged \(folder)/data/\(set) in \(folder)/local/\(set)-") }
                #expect(lines.count == 1, "\(staged.standardOutput)")
            }
            let updates = try ["plain", "staged"].map { name in
                try String(contentsOfFile: "\(folder)/runs/\(name)/s0/metrics.jsonl", encoding: .utf8)
                    .split(separator: "\n").filter { $0.contains("\"event\":\"step\"") }
            }
            #expect(updates[0] == updates[1] && updates[0].count == 2)
            // The evaluation stages its own sets; a second one uses the copies, although only the
            // manifests of the originals are left.
            let evaluate = ["evaluate", "\(folder)/runs/staged", "--score", "msp"] + stage
            let first = try await Command.mpirun(ranks: 2, "t2fnorm", evaluate).run()
            #expect(first.exitCode == 0, "\(first.standardError)")
            #expect(first.standardOutput.contains("staged \(folder)/data/far-noise in "))
            try FileManager.default.removeItem(atPath: "\(folder)/data/test/shard-00000.h5")
            let second = try await Command.mpirun(ranks: 2, "t2fnorm", evaluate).run()
            #expect(second.exitCode == 0, "\(second.standardError)")
            #expect(!second.standardOutput.contains("staged \(folder)"))
        }
    }

    private static let canUnshare = getuid() == 0 && Tool("unshare").isThere

    /// In separate PID namespaces all have the same process id.
    @Test(.enabled(if: canUnshare, "PID namespaces need root and unshare"))
    func jobsThatDoNotSeeEachOtherStageIntoOneFolder() async throws {
        try await withBenchmark { folder in
            let drawn = try await Command(
                Command.product("t2fnorm"),
                ["data", "synthesize", "\(folder)/large", "--train-count", "6000"]
            ).run()
            try #require(drawn.exitCode == 0, "\(drawn.standardError)")
            let outcomes = try await withThrowingTaskGroup(of: Command.Outcome.self) { group in
                for number in 0..<3 {
                    let command = Command(
                        URL(filePath: "/usr/bin/env"),
                        ["unshare", "--pid", "--fork", "--mount-proc", Command.product("t2fnorm").path]
                            + train(folder, name: "r\(number)") + [
                                "--stage", "\(folder)/local", "--set", "training.stopAfterSteps=1", "--set",
                                "data.train=\(folder)/large/train",
                            ])
                    group.addTask { try await command.run() }
                }
                var outcomes: [Command.Outcome] = []
                for try await outcome in group { outcomes.append(outcome) }
                return outcomes
            }
            for outcome in outcomes { #expect(outcome.exitCode == 75, "\(outcome.standardError)") }
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/local") {
                let copy = "\(folder)/local/\(name)"
                let verified = try await Command(
                    Command.product("t2fnorm"), ["data", "verify", copy]
                ).run()
                #expect(verified.exitCode == 0, "\(verified.standardError)")
                let names = try FileManager.default.contentsOfDirectory(atPath: copy).sorted()
                #expect(names == ["manifest.json", "shard-00000.h5"])
            }
        }
    }

    @Test func aDiskThatTakesNoMoreIsNamed() async throws {
        try await withBenchmark { folder in
            // Files may have 64 blocks of 1,024 bytes; the signal for more is ignored, so the write
            // fails.
            let script = "trap '' XFSZ; ulimit -f 64; exec \"$@\""
            let outcome = try await Command(
                URL(filePath: "/usr/bin/env"),
                ["bash", "-c", script, "-", Command.product("t2fnorm").path] + train(folder, name: "full")
                    + ["--stage", "\(folder)/local"]
            ).run()
            #expect(outcome.exitCode == 3)
            let line = outcome.standardError
            #expect(line.hasPrefix("t2fnorm: could not stage shard, \(folder)/local/train-"), "\(line)")
            #expect(
                line.contains("file too large; make room, give another folder to --stage, or leave it out"))
            #expect(line.split(separator: "\n").count == 1)
        }
    }
}
