import Checkpoints
import Foundation
import TestSupport
import Testing

/// System calls that fail once, or permanently, on intact files: only wrong bytes count as damage.
@Suite(
    .enabled(if: PreloadedLibrary.canBeBuilt, "needs a C compiler"), .timeLimit(.minutes(30)))
struct PassingFaultTests {
    /// A job of eight steps stopped after the fourth, and its expected result.
    private struct Lab {
        let folder: String
        let library: PreloadedLibrary

        var run: String { "\(folder)/runs/r/s0" }

        func train(_ steps: Int, under calls: FailingCalls? = nil) async throws -> Command.Outcome {
            let settings = [
                "name=r", "output=\(folder)/runs", "network.name=resnet20", "training.batch=16",
                "training.microbatch=16", "training.epochs=1", "training.checkpointEvery=2",
                "training.keep=2",
                "training.stopAfterSteps=\(steps)", "data.train=\(folder)/data/train",
                "data.validation=\(folder)/data/validation", "compute.threads=1",
            ]
            return try await Command(
                Command.product("t2fnorm"), ["train"] + settings.flatMap { ["--set", $0] },
                environment: calls?.environment(library, mark: mark) ?? [:]
            ).run()
        }

        var mark: String { "\(folder)/mark" }
        var hasFailed: Bool { FileManager.default.fileExists(atPath: mark) }

        /// Restores the run to the state at its stop.
        func reset() throws {
            let files = FileManager.default
            for path in [mark, "\(folder)/runs"] { try? files.removeItem(atPath: path) }
            try files.copyItem(atPath: "\(folder)/stopped", toPath: "\(folder)/runs")
        }

        func names() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "\(run)/checkpoints").sorted()
        }

        func steps() throws -> [String] {
            try String(contentsOfFile: "\(run)/metrics.jsonl", encoding: .utf8).split(separator: "\n")
                .filter { $0.contains("\"event\":\"step\"") }.map(String.init)
        }

        func newest() throws -> Checkpoint? {
            try CheckpointStore(folder: "\(run)/checkpoints", keep: 1).newest()?.checkpoint
        }
    }

    private func withStoppedRun(_ body: (Lab) async throws -> Void) async throws {
        let files = FileManager.default
        try await withTemporaryFolder { folder in
            let lab = Lab(
                folder: folder, library: try await PreloadedLibrary("failing_calls", in: folder))
            try await DrawnData.link(into: folder, train: 128, other: nil)
            let first = try await lab.train(4)
            try #require(first.exitCode == 75, "\(first.standardError)")
            try files.moveItem(atPath: "\(folder)/runs", toPath: "\(folder)/stopped")
            try await body(lab)
        }
    }

    private static let newest = "step-00000004.h5"
    private static let passing = [
        FailingCalls("pread", of: newest, ESTALE), FailingCalls("pread", of: newest, EIO, first: 5),
        FailingCalls("pread", of: newest, EAGAIN, count: 3),
        FailingCalls("pread", of: newest, ESTALE, first: 3, count: -1),
        FailingCalls("pread", of: newest, EINTR, count: 9),
        FailingCalls("open", of: newest, ETIMEDOUT), FailingCalls("fstat", of: newest, ESTALE),
        FailingCalls("opendir", of: "checkpoints", EIO), FailingCalls("readdir", of: "checkpoints", ESTALE),
        FailingCalls("pread", of: "data/train/shard", EIO, first: 20),
        FailingCalls("pread", of: "data/train/shard", ESTALE, first: 20, count: -1),
        FailingCalls("open", of: "data/validation/manifest", ESTALE),
    ]

    @Test func aFaultThatPassesChangesNothing() async throws {
        try await withStoppedRun { lab in
            try lab.reset()
            let plain = try await lab.train(6)
            #expect(plain.exitCode == 75, "\(plain.standardError)")
            let (steps, end, names) = (try lab.steps(), try #require(try lab.newest()), try lab.names())
            #expect(steps.count == 6 && names.count == 3)
            for calls in Self.passing {
                try lab.reset()
                let outcome = try await lab.train(6, under: calls)
                #expect(outcome.exitCode == 75, "\(calls): \(outcome.standardError)")
                #expect(lab.hasFailed, "\(calls)")
                #expect(!outcome.standardOutput.contains("passed over"), "\(calls)")
                #expect(try lab.steps() == steps, "\(calls)")
                #expect(try lab.names() == names, "\(calls)")
                #expect(try lab.newest()?.weightsHash == end.weightsHash, "\(calls)")
            }
        }
    }

    private static let lasting = [
        FailingCalls("pread", of: newest, EIO, count: 0), FailingCalls("open", of: newest, ESTALE, count: 0),
        FailingCalls("fstat", of: newest, EIO, count: 0),
        FailingCalls("opendir", of: "checkpoints", EIO, count: 0),
        FailingCalls("pread", of: "data/train/shard-", EIO, count: 0),
    ]

    /// No file is renamed, removed or restarted: the same command resumes once the fault is fixed.
    @Test func aFaultThatStaysEndsTheJobAndLeavesAllAsItWas() async throws {
        try await withStoppedRun { lab in
            for calls in Self.lasting {
                try lab.reset()
                let (names, steps) = (try lab.names(), try lab.steps())
                let outcome = try await lab.train(6, under: calls)
                #expect(outcome.exitCode == 6, "\(calls): \(outcome.standardError)")
                let line = outcome.standardError
                #expect(line.split(separator: "\n").count == 1, "\(calls): \(line)")
                #expect(
                    line.contains(calls.code == EIO ? "input/output error" : "stale file handle")
                        && line.contains("it may be whole: look after its disk, server and network"),
                    "\(calls): \(line)")
                #expect(try lab.names() == names && lab.steps() == steps, "\(calls)")
            }
            let rest = try await lab.train(6)
            #expect(rest.exitCode == 75, "\(rest.standardError)")
            #expect(try lab.steps().count == 6)
        }
    }

    /// Where the run directory's file system has no links, and where the lock cannot be synced
    /// either.
    @Test func withoutLinksTheLockIsHeldOrTheJobSaysWhyNot() async throws {
        try await withStoppedRun { lab in
            try lab.reset()
            let held = try await lab.train(
                6, under: FailingCalls("link", of: "run.lock", EPERM, count: 0))
            #expect(held.exitCode == 75 && lab.hasFailed, "\(held.standardError)")
            try lab.reset()
            let failed = try await lab.train(
                6, under: FailingCalls("link,fsync", of: "run.lock", EPERM, first: 2, count: 0))
            #expect(failed.exitCode == 6, "\(failed.standardError)")
            #expect(
                failed.standardError.contains("run.lock: operation not permitted"),
                "\(failed.standardError)")
            #expect(!FileManager.default.fileExists(atPath: "\(lab.run)/run.lock"))
        }
    }

    /// Unreadable images do not count as damaged: with `--on-bad skip` they would get no decision.
    @Test func anImageThatCannotBeReadNowIsNotABadOne() async throws {
        try await withStoppedRun { lab in
            try lab.reset()
            let whole = try await lab.train(8)
            #expect(whole.exitCode == 0, "\(whole.standardError)")
            let score = { (calls: FailingCalls) in
                try await Command(
                    Command.product("t2fnorm"),
                    [
                        "score", "\(lab.folder)/runs/r", "\(lab.folder)/data/test", "--on-bad", "skip",
                        "--score", "msp",
                    ],
                    environment: calls.environment(lab.library, mark: lab.mark)
                ).run()
            }
            let lasting = try await score(
                FailingCalls("pread", of: "data/test/shard-", EIO, first: 30, count: 0))
            #expect(lasting.exitCode == 6, "\(lasting.standardError)")
            let passing = try await score(FailingCalls("pread", of: "data/test/shard-", EIO, first: 30))
            #expect(passing.exitCode == 0, "\(passing.standardError)")
            #expect(!passing.standardError.contains("could not be read"))
        }
    }

    @Test(arguments: [ENOLCK, EOPNOTSUPP])
    func aFileSystemWithoutLocksWillDo(code: Int32) async throws {
        try await withStoppedRun { lab in
            let calls = FailingCalls("flock", of: lab.folder, code, count: 0)
            let environment = calls.environment(lab.library, mark: lab.mark)
            try lab.reset()
            let whole = try await lab.train(8, under: calls)
            #expect(whole.exitCode == 0, "\(whole.standardError)")
            let data = "\(lab.folder)/data"
            for arguments in [
                ["data", "synthesize", "\(lab.folder)/again", "--train-count", "16"],
                ["checkpoint", "verify", "\(lab.folder)/runs/r/s0"],
                [
                    "evaluate", "\(lab.folder)/runs/r", "--score", "msp", "--save-scores", "--set",
                    "data.test=\(data)/test", "--set", "evaluation.far={far: \(data)/far-noise}", "--stage",
                    "\(lab.folder)/local",
                ],
            ] {
                let outcome = try await Command(
                    Command.product("t2fnorm"), arguments, environment: environment
                ).run()
                #expect(outcome.exitCode == 0, "\(arguments): \(outcome.standardError)")
            }
        }
    }

    @Test func aSignalWhileAFileIsSyncedOrClosedIsNoFailure() async throws {
        try await withStoppedRun { lab in
            for call in ["fsync", "close"] {
                try lab.reset()
                let outcome = try await lab.train(
                    8, under: FailingCalls(call, of: "/runs/r/s0/", EINTR, count: 5))
                #expect(outcome.exitCode == 0, "\(call): \(outcome.standardError)")
                #expect(lab.hasFailed, "\(call)")
                #expect(try lab.newest()?.position.step == 8)
            }
        }
    }

    /// A checkpoint replaces an older one only after it has been read back from the disk.
    @Test func aWrongBitOnTheWayToTheDiskIsFoundBeforeTheFileHasItsName() async throws {
        try await withStoppedRun { lab in
            try lab.reset()
            let names = try lab.names()
            let outcome = try await lab.train(6, under: FailingCalls("write", of: "step-00000006.h5", 0))
            #expect(lab.hasFailed)
            #expect(outcome.exitCode == 5, "\(outcome.standardError)")
            #expect(
                outcome.standardError.contains("is not on the disk as it was written"),
                "\(outcome.standardError)")
            #expect(try lab.names() == names)
        }
    }
}
