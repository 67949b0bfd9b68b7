import Checkpoints
import Foundation
import TestSupport
import Testing

/// Disks that refuse writes: full, read-only, or with a file size limit.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct CheckpointFaultTests {
    private static let canMount = getuid() == 0

    /// Calls `body` with a folder of data and a run whose checkpoints have 2.2 MB, the best one
    /// 1.1 MB; it writes one every 3 steps, and an epoch has 8 steps.
    private func withRun(_ body: (_ folder: String, _ checkpoints: String) async throws -> Void) async throws
    {
        try await withTemporaryFolder { folder in
            let checkpoints = "\(folder)/runs/r/s0/checkpoints"
            try FileManager.default.createDirectory(atPath: checkpoints, withIntermediateDirectories: true)
            try await DrawnData.link(into: folder, train: 128)
            try await body(folder, checkpoints)
        }
    }

    private func train(
        _ folder: String, _ more: [String] = [], limit kilobytes: Int? = nil
    ) async throws -> Command.Outcome {
        let settings =
            [
                "name=r", "output=\(folder)/runs", "network.name=resnet20", "training.batch=16",
                "training.microbatch=16", "training.epochs=1", "training.checkpointEvery=3",
                "training.keep=1",
                "data.train=\(folder)/data/train", "data.validation=\(folder)/data/validation",
                "compute.threads=1",
            ] + more
        let arguments = ["train"] + settings.flatMap { ["--set", $0] }
        let program = Command.product("t2fnorm")
        guard let kilobytes else { return try await Command(program, arguments).run() }
        return try await Command(
            URL(filePath: "/bin/bash"),
            ["-c", "ulimit -f \(kilobytes); exec \"$@\"", "bash", program.path] + arguments
        ).run()
    }

    private func mount(_ options: String, at folder: String) async throws {
        let outcome = try await Command(
            URL(filePath: "/usr/bin/env"), ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        ).run()
        try #require(outcome.exitCode == 0, "\(outcome.standardError)")
    }

    private func unmount(_ folder: String) async throws {
        _ = try await Command(URL(filePath: "/usr/bin/env"), ["umount", folder]).run()
    }

    private func stepCount(_ folder: String) throws -> Int {
        try String(contentsOfFile: "\(folder)/runs/r/s0/metrics.jsonl", encoding: .utf8)
            .split(separator: "\n").count { $0.contains("\"event\":\"step\"") }
    }

    private func expectFailure(_ outcome: Command.Outcome, _ reason: String) {
        #expect(outcome.exitCode == 5, "\(outcome.standardOutput)\(outcome.standardError)")
        let lines = outcome.standardError.split(separator: "\n")
        #expect(lines.count == 1 && lines[0].hasPrefix("t2fnorm: checkpoint "), "\(outcome.standardError)")
        #expect(outcome.standardError.contains("could not write: \(reason)"), "\(outcome.standardError)")
    }

    /// The earlier checkpoint is intact, and no other file is left.
    private func expectOnly(step: Int, in checkpoints: String) throws {
        let store = CheckpointStore(folder: checkpoints, keep: 1)
        let newest = try #require(try store.newest())
        #expect(newest.checkpoint.position.step == step && newest.damaged.isEmpty)
        let names = try FileManager.default.contentsOfDirectory(atPath: checkpoints).sorted()
        #expect(names == ["latest", "step-0000000\(step).h5"])
    }

    @Test(.enabled(if: canMount, "mounting a small file system needs root"))
    func aFullDiskStopsTheRunOrIsTold() async throws {
        try await withRun { folder, checkpoints in
            // The disk has room for one checkpoint, but not for the next one beside it.
            try await mount("size=4m", at: checkpoints)
            let stopped = try await train(folder)
            expectFailure(stopped, "no space left on device")
            #expect(try (6...8).contains(stepCount(folder)))
            try expectOnly(step: 3, in: checkpoints)
            let goingOn = try await train(folder, ["training.onCheckpointFailure=continue"])
            #expect(
                goingOn.standardOutput.contains("no space left on device")
                    && goingOn.standardOutput.contains(
                        "training continues, the last intact checkpoint is kept"),
                "\(goingOn.standardOutput)")
            #expect(try stepCount(folder) == 8)
            expectFailure(goingOn, "no space left on device")
            // The best model is written first, and fits.
            try FileManager.default.removeItem(atPath: "\(checkpoints)/best.h5")
            try expectOnly(step: 3, in: checkpoints)
            try await unmount(checkpoints)
        }
    }

    @Test(.enabled(if: canMount, "mounting a file system needs root"))
    func aReadOnlyFolderStopsTheRun() async throws {
        try await withRun { folder, checkpoints in
            try await mount("size=20m", at: checkpoints)
            let first = try await train(folder, ["training.stopAfterSteps=3"])
            #expect(first.exitCode == 75, "\(first.standardError)")
            let outcome = try await Command(
                URL(filePath: "/usr/bin/env"), ["mount", "-o", "remount,ro", checkpoints]
            ).run()
            try #require(outcome.exitCode == 0, "\(outcome.standardError)")
            expectFailure(try await train(folder), "read-only file system")
            try expectOnly(step: 3, in: checkpoints)
            try await unmount(checkpoints)
        }
    }

    @Test func aLimitOfFileSizesStopsTheRun() async throws {
        try await withRun { folder, checkpoints in
            let first = try await train(folder, ["training.stopAfterSteps=3"])
            #expect(first.exitCode == 75, "\(first.standardError)")
            expectFailure(try await train(folder, limit: 1000), "file too large")
            try expectOnly(step: 3, in: checkpoints)
            let rest = try await train(folder)
            #expect(rest.exitCode == 0, "\(rest.standardError)")
            #expect(try stepCount(folder) == 8)
        }
    }

    @Test func aSettingToChangeIsOneThatThereIs() async throws {
        let outcome = try await Command(
            Command.product("t2fnorm"),
            [
                "train", "--set", "data.train=x", "--set", "data.validation=x", "--allow-change",
                "optimizer.rate",
            ]
        ).run()
        #expect(outcome.exitCode == 2)
        #expect(
            outcome.standardError
                == "t2fnorm: --allow-change is 'optimizer.rate', expected the key of a setting, such as optimizer.learningRate\n"
        )
    }
}
