import Foundation
import Synchronization
import TestSupport
import Testing

/// Jobs of real MPI ranks that receive stop signals, lose a rank, or are misconfigured.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct ClusterJobTests {
    /// The process that receives a signal.
    enum Receiver: String, Sendable {
        case rank, mpirun
        /// `launch/train`.
        case wrapper
    }

    @Test(arguments: [
        ("USR1", Receiver.rank), ("USR2", .mpirun), ("TERM", .rank), ("TERM", .wrapper), ("USR1", .wrapper),
        ("HUP", .rank),
    ])
    func aSignalEndsTheJobWithACheckpointAndItGoesOn(signal: String, receiver: Receiver) async throws {
        try await withBenchmark { folder in
            let outcome = try await job(in: folder, disturbedAfter: 2) {
                try await train(folder, ranks: 2, byWrapper: receiver == .wrapper)
            } by: {
                try send(signal, to: receiver, of: folder)
            }
            #expect(outcome.exitCode == 75, "\(outcome.standardOutput)\(outcome.standardError)")
            let reported = outcome.standardOutput.split(separator: "\n").filter {
                $0.contains("stopped after step") && $0.contains("SIG")
            }
            #expect(reported.count == 1, "\(outcome.standardOutput)")
            let steps = try stepCount(in: folder)
            #expect((3..<50_000).contains(steps))
            let rest = try await train(folder, ranks: 1, ["training.stopAfterSteps=\(steps + 2)"])
            #expect(rest.exitCode == 75, "\(rest.standardError)")
            #expect(try stepCount(in: folder) == steps + 2, "\(rest.standardOutput)")
        }
    }

    /// Also the first two ranks at once; the lowest ranks judge which rank hangs.
    @Test(arguments: [[0], [1], [0, 1]]) func frozenRanksAreNamedAndTheJobEnds(frozen: [Int]) async throws {
        try await withBenchmark { folder in
            let outcome = try await job(in: folder, disturbedAfter: 3) {
                try await train(folder, ranks: 4)
            } by: {
                for rank in frozen { try send("STOP", to: .rank, rank, of: folder) }
            }
            // The delay of the report is tested with `RankWatch`, with a simulated clock.
            #expect(outcome.exitCode == 6, "\(outcome.standardError)")
            let reported = outcome.standardError.split(separator: "\n").filter { $0.hasPrefix("t2fnorm: ") }
            #expect(reported.count == 1, "\(outcome.standardError)")
            #expect(reported.first?.hasPrefix("t2fnorm: rank \(frozen[0]) (") == true)
            for rank in 0..<4 {
                let isNamed = reported.first?.contains("rank \(rank) (") == true
                #expect(isNamed == frozen.contains(rank), "\(reported)")
            }
            #expect(reported.first?.contains("has given no sign of life") == true)
        }
    }

    /// Also if the first start has `--resume none`.
    @Test(arguments: ["auto", "none"])
    func theSupervisorStartsAKilledJobAgainAndItEndsWithTheSameBits(resume: String) async throws {
        try await withBenchmark { folder in
            let settings = ["training.stopAfterSteps=120", "training.checkpointEvery=2"]
            // Checkpoints are written in the background.
            let outcome = try await job(in: folder, disturbedAfter: 20) {
                try await supervise(folder, settings, restarts: 2, resume: resume)
            } by: {
                try send("KILL", to: .rank, of: folder)
            }
            #expect(outcome.exitCode == 75, "\(outcome.standardError)")
            let reported = outcome.standardError.split(separator: "\n").filter {
                $0.contains("; restart 1 of 2 in 0 s")
            }
            #expect(reported.count == 1, "\(outcome.standardError)")
            #expect(outcome.standardOutput.contains("going on from"), "\(outcome.standardOutput)")
            let undisturbed = try await train(folder, ranks: 1, settings + ["name=u"])
            #expect(undisturbed.exitCode == 75, "\(undisturbed.standardError)")
            let difference = try await Command(
                Command.product("t2fnorm"),
                ["checkpoint", "diff", "\(folder.path)/runs/r/s0", "\(folder.path)/runs/u/s0"]
            ).run()
            #expect(difference.exitCode == 0, "\(difference.standardOutput)\(difference.standardError)")
        }
    }

    @Test func theSupervisorDoesNotTryAgainWhatCannotGetBetter() async throws {
        try await withBenchmark { folder in
            let outcome = try await supervise(folder, ["optimizer.momentum=7"], restarts: 3)
            #expect(
                outcome.exitCode == 2 && !outcome.standardError.contains("restart"),
                "\(outcome.standardError)")
            let wrong = try await Command(
                packageRoot.appending(path: "launch/supervise"), ["--restarts", "many"]
            ).run()
            #expect(wrong.exitCode == 2 && wrong.standardError.contains("--restarts is 'many'"))
        }
    }

    @Test func theWrapperSharesOutCoresAndPassesEverythingOn() async throws {
        func wrapper(_ arguments: String...) async throws -> Command.Outcome {
            try await Command(wrapperPath, arguments + ["--dry-run"]).run()
        }
        let shared = try await wrapper(
            "--ranks-per-host", "2", "--threads", "3", "--config", "a b.yml", "--set", "seed=1")
        #expect(shared.exitCode == 0, "\(shared.standardError)")
        #expect(shared.standardOutput.contains("-n 2 --map-by ppr:2:node:PE=3 --bind-to core"))
        #expect(
            shared.standardOutput.hasSuffix("t2fnorm train --config a\\ b.yml --set seed=1\n"),
            "\(shared.standardOutput)")
        let hosts = FileManager.default.temporaryDirectory.appending(path: "hosts-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: hosts) }
        try Data("# three\nnode1 slots=8\n\nnode2\nnode3 # the last\n".utf8).write(to: hosts)
        let several = try await wrapper("--hostfile", hosts.path, "--ranks-per-host", "4", "--threads", "1")
        #expect(
            several.standardOutput.contains("-n 12 --map-by ppr:4:node:PE=1"), "\(several.standardOutput)")
        #expect(several.standardOutput.contains("--hostfile \(hosts.path)"))
        for (option, value) in [("--ranks-per-host", "0"), ("--threads", "x"), ("--hostfile", "/nowhere")] {
            let refused = try await wrapper(option, value)
            #expect(
                refused.exitCode == 2 && refused.standardError.contains("\(option) is '\(value)'"),
                "\(refused.standardError)")
        }
    }

    @Test func ranksThatWouldNotMakeOneRunAreNamedBeforeItStarts() async throws {
        try await withBenchmark { folder in
            let program = Command.product("t2fnorm").path
            let settings = arguments(folder)
            func run(_ second: [String]) async throws -> Command.Outcome {
                try await Command.mpirun(
                    ranks: 1, "t2fnorm", settings + [":", "-n", "1"] + second
                ).run()
            }
            let others = try await run([program] + settings + ["--set", "optimizer.momentum=0.8"])
            #expect(others.exitCode == 2)
            #expect(
                others.standardError.contains("optimizer.momentum is 0.8, on rank 0 0.9")
                    && others.standardError.components(separatedBy: "has other settings than rank 0").count
                        == 2,
                "\(others.standardError)")
            let library = ["--set", "compute.convolution=library"]
            let cores = try await Command.mpirun(
                ranks: 1, "t2fnorm",
                settings + library + [":", "-n", "1", "env", "OPENBLAS_CORETYPE=Sandybridge", program]
                    + settings
                    + library
            ).run()
            #expect(cores.exitCode == 6)
            #expect(
                cores.standardError.components(separatedBy: "has Sandybridge, another BLAS core than rank 0")
                    .count
                    == 2,
                "\(cores.standardError)")
            let copy = "\(folder.path)/t2fnorm"
            try FileManager.default.copyItem(atPath: program, toPath: copy)
            let handle = try FileHandle(forWritingTo: URL(filePath: copy))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data([0]))
            try handle.close()
            let programs = try await run([copy] + settings)
            #expect(programs.exitCode == 6)
            #expect(
                programs.standardError.contains("another program than rank 0"), "\(programs.standardError)")
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/runs"))

            let threads = try await run(
                [program] + settings + ["--set", "compute.threads=2", "--set", "training.stopAfterSteps=1"])
            // A setting that does not change results may differ between ranks; the number of steps
            // may not.
            #expect(threads.exitCode == 2)
            #expect(threads.standardError.contains("training.stopAfterSteps"), "\(threads.standardError)")
        }
    }

    @Test func sumsOverRanksAreTimed() async throws {
        struct Report: Decodable {
            struct Row: Decodable {
                var bytes: Int
                var treeSeconds: Double, librarySeconds: Double, ratio: Double
            }
            struct Fit: Decodable {
                var latency: Double, bandwidth: Double
            }
            var ranks: Int, hosts: Int
            var rows: [Row]
            var tree: Fit, library: Fit
        }
        let outcome = try await Command.mpirun(
            ranks: 2, "t2fnorm",
            ["bench", "allreduce", "--sizes", "400,4000000", "--seconds", "0.1", "--json"]
        ).run()
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.standardOutput.utf8))
        #expect(report.ranks == 2 && report.hosts == 1 && report.rows.map(\.bytes) == [400, 4_000_000])
        #expect(report.rows.allSatisfy { $0.treeSeconds > 0 && $0.librarySeconds > 0 && $0.ratio > 0 })
        // The line through two times; no slope if load on the machine made the larger sum faster.
        for (fit, seconds) in [
            (report.tree, report.rows.map(\.treeSeconds)),
            (report.library, report.rows.map(\.librarySeconds)),
        ] {
            let slope = (seconds[1] - seconds[0]) / (4_000_000 - 400)
            #expect(abs(fit.bandwidth * max(slope, 0) - (slope > 0 ? 1 : 0)) < 1e-6)
        }
        let alone = try await Command(Command.product("t2fnorm"), ["bench", "allreduce"]).run()
        #expect(alone.exitCode != 0 && alone.standardError.contains("mpirun -n 2"), "\(alone.standardError)")
        let wrong = try await Command(
            Command.product("t2fnorm"), ["bench", "allreduce", "--sizes", "4k"]
        ).run()
        #expect(wrong.exitCode == 2 && wrong.standardError.contains("--sizes is '4k'"))
    }

    // MARK: - Runs

    /// `mpirun` reaches the other host by a command that never ends.
    @Test func aHostThatDoesNotAnswerAtTheStartEndsTheJob() async throws {
        try await withBenchmark { folder in
            let agent = folder.appending(path: "agent")
            try "#!/bin/sh\nexec sleep 600\n".write(to: agent, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: agent.path)
            let hosts = folder.appending(path: "hosts")
            try "localhost slots=1\nelsewhere slots=1\n".write(to: hosts, atomically: true, encoding: .utf8)
            let outcome = try await Command(
                wrapperPath,
                ["--hostfile", hosts.path, "--start", "2", "--threads", "1"] + arguments(folder).dropFirst(),
                environment: [
                    "T2FNORM": Command.product("t2fnorm").path, "OMPI_MCA_plm": "rsh",
                    "OMPI_MCA_plm_rsh_agent": agent.path,
                ]
            ).run()
            #expect(outcome.exitCode == 6)
            #expect(outcome.standardError.contains("train: no rank has started here in 2 s"))
        }
    }

    private func arguments(_ folder: URL) -> [String] {
        [
            "train", "--set", "name=r", "--set", "output=\(folder.path)/runs", "--set",
            "network.name=resnet20",
            "--set", "training.epochs=5000", "--set", "training.batch=16", "--set", "training.microbatch=4",
            "--set", "data.train=\(folder.path)/data/train",
            "--set", "data.validation=\(folder.path)/data/validation", "--set", "compute.threads=1",
        ]
    }

    private var wrapperPath: URL { packageRoot.appending(path: "launch/train") }

    private func train(
        _ folder: URL, ranks: Int, _ more: [String] = [], byWrapper: Bool = false
    ) async throws -> Command.Outcome {
        let arguments = arguments(folder) + more.flatMap { ["--set", $0] }
        guard byWrapper else {
            return try await Command.mpirun(ranks: ranks, "t2fnorm", arguments).run()
        }
        return try await Command(
            wrapperPath,
            ["--ranks-per-host", "\(ranks)", "--threads", "1", "--grace", "1"] + arguments.dropFirst(),
            environment: ["T2FNORM": Command.product("t2fnorm").path]
        ).run()
    }

    private func supervise(
        _ folder: URL, _ more: [String], restarts: Int, resume: String = "auto"
    ) async throws -> Command.Outcome {
        try await Command(
            packageRoot.appending(path: "launch/supervise"),
            [
                "--restarts", "\(restarts)", "--back-off", "0", "--ranks-per-host", "2", "--threads", "1",
                "--grace",
                "1", "--resume", resume,
            ] + arguments(folder).dropFirst() + more.flatMap { ["--set", $0] },
            environment: ["T2FNORM": Command.product("t2fnorm").path]
        ).run()
    }

    private func withBenchmark(_ body: (URL) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try await DrawnData.link(into: folder, train: 160, other: 20)
            try await body(URL(filePath: folder))
        }
    }

    private func stepCount(in folder: URL) throws -> Int {
        let metrics = folder.appending(path: "runs/r/s0/metrics.jsonl")
        guard let text = try? String(contentsOf: metrics, encoding: .utf8) else { return 0 }
        return text.split(separator: "\n").count { $0.contains("\"event\":\"step\"") }
    }

    /// Runs a job, and calls `disturbance` after `step` updates.
    private func job(
        in folder: URL, disturbedAfter step: Int, _ run: () async throws -> Command.Outcome,
        by disturbance: @escaping @Sendable () throws -> Void
    ) async throws -> Command.Outcome {
        let hasEnded = Mutex(false)
        async let isDisturbed = onThread {
            while try stepCount(in: folder) < step {
                if hasEnded.withLock({ $0 }) { return false }
                usleep(10_000)
            }
            try disturbance()
            return true
        }
        let outcome: Command.Outcome
        do {
            defer { hasEnded.withLock { $0 = true } }
            outcome = try await run()
        }
        guard try await isDisturbed else { throw EndedJob(step: step, outcome: outcome) }
        return outcome
    }

    /// Sends a signal to the launcher or to a rank of the job whose arguments name `folder`.
    private func send(_ signal: String, to receiver: Receiver, _ rank: Int = 1, of folder: URL) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") where Int(name) != nil {
            guard let arguments = text("/proc/\(name)/cmdline"), arguments.contains(folder.path),
                let environment = text("/proc/\(name)/environ")
            else { continue }
            let isReceiver =
                switch receiver {
                case .rank: environment.contains("OMPI_COMM_WORLD_RANK=\(rank)\0")
                case .mpirun: arguments.hasPrefix("mpirun\0")
                case .wrapper: arguments.hasPrefix("bash\0") && arguments.contains("launch/train")
                }
            guard isReceiver else { continue }
            let number = try #require(signals[signal])
            #expect(kill(try #require(pid_t(name)), number) == 0)
            return
        }
        Issue.record("there is no \(receiver) to send SIG\(signal) to")
    }

    private let signals = [
        "USR1": SIGUSR1, "USR2": SIGUSR2, "TERM": SIGTERM, "HUP": SIGHUP, "STOP": SIGSTOP, "KILL": SIGKILL,
    ]

    private func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// A job has ended before the step that a test waits for.
private struct EndedJob: Error {
    let step: Int
    let outcome: Command.Outcome
}
