import Foundation
import TestSupport
import Testing

/// Jobs that a rank or a file system holds up in any phase; a preloaded shim simulates the disk.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct HeldUpJobTests {
    /// Runs two ranks of the program with `settings` of the shim.
    private func run(
        _ arguments: [String], _ shim: Shim, _ settings: [String: String], limit: Duration = .seconds(300)
    ) async throws -> Command.Outcome {
        try await Command.mpirun(
            ranks: 2, "t2fnorm", arguments,
            environment: settings.merging(["LD_PRELOAD": shim.path]) { $1 }, timeLimit: limit
        ).run()
    }

    private func stall(
        _ call: String, _ path: String, after count: Int, seconds: Int, rank: Int
    ) -> [String: String] {
        [
            "STALL_CALL": call, "STALL_PATH": path, "STALL_AFTER": "\(count)", "STALL_SECONDS": "\(seconds)",
            "STALL_RANK": "\(rank)",
        ]
    }

    private func withBenchmark(_ body: (SmallBenchmark, Shim) async throws -> Void) async throws {
        try await SmallBenchmark.with { small in
            try await body(small, try await Shim("stalling_disk", in: small.folder))
        }
    }

    private func train(_ small: SmallBenchmark, _ more: [String] = []) -> [String] {
        ["train", "--resume", "none"] + small.settings(seed: 7)
            + (["training.epochs=8", "compute.threads=1"] + more).flatMap { ["--set", $0] }
    }

    /// The call takes longer than a rank may otherwise make no progress.
    @Test(arguments: [("pread", "data/train/shard-", 160, 1), ("write", "metrics.jsonl", 12, 0)])
    func aFileSystemThatAnswersLateHoldsUpAndEndsNothing(
        call: String, path: String, count: Int, rank: Int
    ) async throws {
        try await withBenchmark { small, shim in
            // Prefetched batches would hide a few steps of the delay, so prefetch is 1.
            let arguments = train(small, ["data.prefetch=1", "training.batch=16"])
            let outcome = try await run(
                arguments, shim, stall(call, path, after: count, seconds: 20, rank: rank))
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            let notes = outcome.standardError.split(separator: "\n").filter {
                $0.contains("note: rank \(rank) (")
                    && $0.contains("has waited for the file system for 8 s, at ")
                    && $0.contains(path)
            }
            #expect(notes.count == 1, "\(outcome.standardOutput)\(outcome.standardError)")
        }
    }

    /// The watchdog also covers set-up, evaluation, scoring and packing, which have no steps.
    @Test func aRankThatStopsOutsideOfTrainingIsNamedToo() async throws {
        try await withBenchmark { small, shim in
            let pictures = "\(small.folder)/images"
            let jobs: [(arguments: [String], path: String, count: Int)] = [
                (train(small), "data/train/shard-", 0),
                (["evaluate", "\(small.folder)/runs/r/s0", "--score", "msp"], "data/test/shard-", 5),
                (
                    ["score", "\(small.folder)/runs/r/s0", pictures, "--score", "msp"],
                    "data/validation/shard-", 5
                ),
                (
                    [
                        "data", "pack", pictures, "--output", "\(small.folder)/packed", "--ood",
                        "--shard-size", "4",
                    ],
                    "images/", 3
                ),
            ]
            for job in jobs {
                let outcome = try await run(
                    job.arguments, shim, stall("pread", job.path, after: job.count, seconds: 0, rank: 1))
                #expect(outcome.exitCode == 6, "\(job.arguments): \(outcome.standardError)")
                let reported = outcome.standardError.split(separator: "\n").filter {
                    $0.hasPrefix("t2fnorm: ") && !$0.hasPrefix("t2fnorm: note: ")
                }
                #expect(reported.count == 1, "\(outcome.standardError)")
                #expect(reported.first?.hasPrefix("t2fnorm: rank 1 (") == true, "\(outcome.standardError)")
                #expect(reported.first?.contains("has given no sign of life for") == true)
            }
        }
    }

    // MARK: - Threads

    /// Fails the creation of each thread of rank `rank` in turn, and returns the names of the
    /// threads.
    private func refused(_ arguments: [String], rank: Int, count: Int) async throws -> [String] {
        return try await withTemporaryFolder { folder in
            let shim = try await Shim("failing_threads", in: folder)
            var names: [String] = []
            for first in 1...count {
                let outcome = try await run(
                    arguments, shim, ["THREADS_FROM": "\(first)", "THREADS_RANK": "\(rank)"])
                #expect(outcome.exitCode == 6 && !outcome.isTimedOut, "\(first): \(outcome.standardError)")
                let lines = outcome.standardError.split(separator: "\n").filter {
                    $0.contains("could not start the thread '")
                }
                #expect(lines.count == 1, "\(outcome.standardError)")
                #expect(lines.first?.contains("(ulimit -u)") == true)
                names += lines.first.map { String($0.split(separator: "'")[1]) }.map { [$0] } ?? []
            }
            return names
        }
    }

    @Test func threadsThatTheSystemDoesNotGiveEndTheJobWithTheLimits() async throws {
        try await SmallBenchmark.with { small in
            let training = train(small, ["compute.threads=2", "training.stopAfterSteps=1"])
            let first = try await refused(training, rank: 0, count: 6)
            #expect(
                first == ["watchdog", "run lock", "worker 1", "batch loader", "gradients", "checkpoints"])
            let second = try await refused(training, rank: 1, count: 4)
            #expect(second == ["watchdog", "worker 1", "batch loader", "gradients"])
            let evaluation = [
                "evaluate", "\(small.folder)/runs/r/s0", "--score", "msp", "--set", "compute.threads=2",
            ]
            let third = try await refused(evaluation, rank: 1, count: 2)
            #expect(third == ["watchdog", "worker 1"])
        }
    }
}
