import Foundation
import TestSupport
import Testing

/// Starts, stops and restarts of runs, by the command line.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct RunStartsTests {
    private func arguments(_ folder: String, _ more: [String] = []) -> [String] {
        [
            "name=r", "output=\(folder)/runs", "network.name=resnet20", "training.epochs=2",
            "training.batch=64",
            "training.microbatch=16", "compute.threads=1", "data.train=\(folder)/data/train",
            "data.validation=\(folder)/data/validation",
        ].flatMap { ["--set", $0] } + more
    }

    private func train(_ folder: String, _ more: [String] = []) async throws -> Command.Outcome {
        try await Command(Command.product("t2fnorm"), ["train"] + arguments(folder, more)).run()
    }

    private func withBenchmark(_ body: (String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try await DrawnData.link(into: folder, train: 256)
            try await body(folder)
        }
    }

    /// Starts a long job and calls `body` with its process after the first step.
    private func during(
        _ folder: String, _ body: (pid_t) async throws -> Void
    ) async throws -> (code: Int32, output: String) {
        let process = Process()
        process.executableURL = Command.product("t2fnorm")
        process.arguments = ["train"] + arguments(folder, ["--set", "training.epochs=50000"])
        let log = "\(folder)/log"
        try Data().write(to: URL(filePath: log))
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: log))
        process.standardError = process.standardOutput
        try withoutBlockedSignals { try process.run() }
        defer { kill(process.processIdentifier, SIGKILL) }
        let metrics = "\(folder)/runs/r/s0/metrics.jsonl"
        try await onThread {
            while process.isRunning {
                if let text = try? String(contentsOfFile: metrics, encoding: .utf8), text.contains("\"step\"")
                {
                    break
                }
                usleep(10_000)
            }
        }
        try await body(process.processIdentifier)
        try await onThread { process.waitUntilExit() }
        return (process.terminationStatus, try String(contentsOfFile: log, encoding: .utf8))
    }

    @Test func aSecondJobOfOneNameIsRefusedAndAKilledOnesRunGoesOn() async throws {
        try await withBenchmark { folder in
            _ = try await during(folder) { process in
                let second = try await train(folder)
                #expect(second.exitCode == 6)
                #expect(
                    second.standardError.contains("is in use by process \(process) on "),
                    "\(second.standardError)")
                kill(process, SIGKILL)
            }
            let third = try await train(
                folder,
                ["--set", "training.epochs=50000", "--set", "training.stopAfterSteps=1", "--resume", "none"])
            #expect(third.exitCode == 75, "\(third.standardError)")
        }
    }

    @Test func aJobIsTakenOverOnRequest() async throws {
        try await withBenchmark { folder in
            let first = try await during(folder) { _ in
                let second = try await train(
                    folder,
                    ["--take-over", "--set", "training.epochs=50000", "--set", "training.stopAfterSteps=20"])
                #expect(second.exitCode == 75, "\(second.standardError)")
            }
            #expect(first.code == 6 && first.output.contains("was taken over by process"), "\(first.output)")
        }
    }

    @Test(arguments: [("SIGHUP", SIGHUP), ("SIGTERM", SIGTERM), ("SIGINT", SIGINT), ("SIGUSR1", SIGUSR1)])
    func theSignalThatCameIsNamed(name: String, number: Int32) async throws {
        try await withBenchmark { folder in
            let outcome = try await during(folder) { kill($0, number) }
            #expect(outcome.code == 75, "\(outcome.output)")
            #expect(outcome.output.contains(" as \(name) on rank 0 ("), "\(outcome.output)")
        }
    }

    /// `nohup` starts a program with SIGHUP ignored.
    @Test func nohupKeepsItsPromise() async throws {
        try await withBenchmark { folder in
            let outcome = try await Command(
                URL(filePath: "/bin/sh"),
                [
                    "-c",
                    """
                    trap '' HUP
                    "$0" "$@" & child=$!
                    while ! grep -q '"step"' '\(folder)/runs/r/s0/metrics.jsonl' 2>/dev/null; do sleep 0.02; done
                    kill -HUP $child
                    wait $child
                    """, Command.product("t2fnorm").path, "train",
                ] + arguments(folder)
            ).run()
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(!outcome.standardOutput.contains("SIGHUP"))
        }
    }

    @Test func aFinishedRunAndAStopBySettingSaySo() async throws {
        try await withBenchmark { folder in
            let stop = ["--set", "training.stopAfterSteps=3"]
            for _ in 0..<2 {
                let stopped = try await train(folder, stop)
                #expect(stopped.exitCode == 75)
                #expect(
                    stopped.standardOutput.components(
                        separatedBy: "stopped after step 3, as training.stopAfterSteps says"
                    ).count == 2, "\(stopped.standardOutput)")
            }
            let whole = try await train(folder)
            #expect(whole.exitCode == 0 && !whole.standardOutput.contains("is finished"))
            let again = try await train(folder)
            #expect(again.exitCode == 0)
            #expect(
                again.standardOutput.contains("this run is finished: 2 of 2 epochs, 8 steps"),
                "\(again.standardOutput)")
        }
    }

    @Test func whatMpirunWouldKillIsSaidAtTheStart() async throws {
        try await withBenchmark { folder in
            let settings = ["train"] + arguments(folder, ["--set", "training.stopAfterSteps=1"])
            let warned = try await Command.mpirun(ranks: 2, "t2fnorm", settings).run()
            #expect(
                warned.standardOutput.components(
                    separatedBy: "mpirun kills the ranks 1 s after it asks them to end"
                ).count == 2,
                "\(warned.standardOutput)")
            #expect(warned.standardOutput.contains("up to 10 minutes of work (training.checkpointMinutes)"))
            // The run goes to its end: mpirun treats a stop's exit code 75 as a failure, and waits
            // for the configured timeout.
            let whole = ["train"] + arguments(folder)
            for quiet in [
                try await Command.mpirun(
                    ranks: 1, "t2fnorm", whole, environment: ["OMPI_MCA_odls_base_sigkill_timeout": "300"]
                ).run(), try await Command(Command.product("t2fnorm"), whole).run(),
            ] {
                #expect(
                    quiet.exitCode == 0 && !quiet.standardOutput.contains("Ctrl-C"),
                    "\(quiet.standardOutput)")
            }
        }
    }

    @Test func theOrderOfRecordsIsPrinted() async throws {
        struct Step: Decodable {
            var step: Int, epoch: Int
            var records: [Int]
        }
        try await withBenchmark { folder in
            for order in ["stored", "shuffled"] {
                let outcome = try await train(folder, ["--set", "data.order=\(order)", "--print-order"])
                #expect(outcome.exitCode == 0, "\(outcome.standardError)")
                let steps = try outcome.standardOutput.split(separator: "\n").map {
                    try JSONDecoder().decode(Step.self, from: Data($0.utf8))
                }
                #expect(steps.map(\.step) == Array(1...8) && steps.map(\.epoch) == [1, 1, 1, 1, 2, 2, 2, 2])
                let first = steps[..<4].flatMap(\.records)
                let second = steps[4...].flatMap(\.records)
                #expect(first.sorted() == Array(0..<256) && second.sorted() == Array(0..<256))
                #expect(
                    (first == Array(0..<256)) == (order == "stored")
                        && (first == second) == (order == "stored"))
            }
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/runs"))
        }
    }

    @Test func allFaultsOfAConfigurationAreOneLine() async throws {
        let outcome = try await Command(
            Command.product("t2fnorm"),
            [
                "train", "--set", "nmae=x", "--set", "seed=010", "--set", "optimizer.momentum=2", "--set",
                "data.train=x",
            ]
        ).run()
        #expect(outcome.exitCode == 2)
        #expect(outcome.standardError.split(separator: "\n").count == 1, "\(outcome.standardError)")
        for key in ["nmae is unknown", "seed is 010", "optimizer.momentum is 2"] {
            #expect(outcome.standardError.contains(key), "\(outcome.standardError)")
        }
    }

    // MARK: - Scripts that restart a job

    private func shell(_ script: String, _ environment: [String: String] = [:]) async throws
        -> Command.Outcome
    {
        try await Command(
            URL(filePath: "/bin/bash"), ["-c", script],
            environment: ["root": packageRoot.path].merging(environment) { _, new in new }
        ).run()
    }

    /// A start that ends with exit code 6, and the next start.
    @Test(arguments: [
        (["--resume", "none"], "--resume none", "--resume auto --first-resume none"),
        (
            ["--resume=a b.h5", "--take-over"], "--resume=a b.h5 --take-over",
            "--resume auto --first-resume a b.h5"
        ),
        ([], "", ""), (["--resume", "auto"], "--resume auto", ""),
    ])
    func theSupervisorsFirstStartAloneObeysResume(options: [String], first: String, later: String)
        async throws
    {
        try await withTemporaryFolder { folder in
            let program = "\(folder)/t2fnorm"
            try """
            #!/bin/sh
            echo "$@" >>'\(folder)/starts'
            [ "$(wc -l <'\(folder)/starts')" -gt 2 ] || exit 6
            """.write(toFile: program, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
            let outcome = try await Command(
                packageRoot.appending(path: "launch/supervise"),
                [
                    "--back-off", "0", "--ranks-per-host", "1", "--threads", "1", "--grace", "1", "--set",
                    "seed=1",
                ]
                    + options,
                environment: ["T2FNORM": program]
            ).run()
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            let starts = try String(contentsOfFile: "\(folder)/starts", encoding: .utf8)
                .split(separator: "\n").map { String($0.replacing(/\ --job \S+/, with: "")) }
            let both = { (more: String) in more.isEmpty ? "train --set seed=1" : "train --set seed=1 \(more)"
            }
            #expect(starts == [both(first), both(later), both(later)])
        }
    }

    /// A batch job that is put back into the queue twice.
    @Test func aRequeuedJobsFirstStartAloneObeysResume() async throws {
        try await withBenchmark { folder in
            try #"#!/bin/sh\#nexec "$T2FNORM" train "$@"\#n"#.write(
                toFile: "\(folder)/train", atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/train")
            let whole = try await train(folder)
            #expect(whole.exitCode == 0, "\(whole.standardError)")
            for (count, stop) in [(0, 2), (1, 4), (2, 6)] {
                let settings = arguments(
                    folder, ["--set", "training.stopAfterSteps=\(stop)", "--resume", "none"])
                let outcome = try await shell(
                    "source \"$root/cluster/slurm/requeue.sh\"; run_and_requeue '\(folder)/train' "
                        + settings.map { "'\($0)'" }.joined(separator: " "),
                    [
                        "T2FNORM": Command.product("t2fnorm").path, "SLURM_JOB_ID": "77",
                        "SLURM_RESTART_COUNT": "\(count)",
                    ])
                #expect(outcome.exitCode == 75, "\(outcome.standardError)")
                #expect(outcome.standardOutput.contains(count == 0 ? "starting anew" : "going on from"))
                #expect(
                    outcome.standardOutput.contains("stopped after step \(stop)"), "\(outcome.standardOutput)"
                )
            }
        }
    }

    /// Only a job that the scheduler has stopped is requeued; others would be requeued for ever.
    @Test(arguments: [true, false]) func aJobIsRequeuedWhereASignalStoppedIt(isAsked: Bool) async throws {
        let outcome = try await shell(
            """
            scontrol() { echo "scontrol $*"; }
            sleep() { :; }
            job() { trap 'exit 75' USR1; \(isAsked ? "kill -USR1 $$; while :; do command sleep 0.05; done" : "exit 75"); }
            source "$root/cluster/slurm/requeue.sh"
            run_and_requeue job
            """, ["SLURM_JOB_ID": "77"])
        #expect(outcome.exitCode == 75, "\(outcome.standardError)")
        #expect(
            outcome.standardOutput.contains("scontrol requeue 77") == isAsked, "\(outcome.standardOutput)")
    }
}
