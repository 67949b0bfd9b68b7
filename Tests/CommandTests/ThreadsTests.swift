import Foundation
import TestSupport
import Testing

/// The default number of threads.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct ThreadsTests {
    /// The line about threads that a job prints at its start.
    private struct Line {
        let text: String
        let threads: Int
        let cores: Int

        init(of outcome: Command.Outcome) throws {
            try #require([0, 75].contains(outcome.exitCode), "\(outcome.standardError)")
            // The line follows the time of the log.
            let lines = outcome.standardOutput.split(separator: "\n").compactMap { line in
                line.range(of: "  threads: ").map { line[$0.upperBound...] }
            }
            try #require(lines.count == 1, "\(outcome.standardOutput)")
            text = String(lines[0])
            threads = try #require(Int(text.prefix { $0.isNumber }))
            let found = text.split(separator: "(")[1].split(separator: " ")
            cores = try #require(found.firstIndex { $0.hasPrefix("core") }.flatMap { Int(found[$0 - 1]) })
        }
    }

    /// A processor that this process may run on.
    private func processor() throws -> String {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") })
        return String(
            line.dropFirst("Cpus_allowed_list:".count).drop { $0.isWhitespace }.prefix { $0.isNumber })
    }

    private func evaluate(_ small: SmallBenchmark, _ more: [String] = []) -> [String] {
        ["evaluate", "\(small.folder)/runs/r", "--score", "msp"] + more
    }

    private func started(by command: String, _ arguments: [String]) async throws -> Line {
        try Line(
            of: try await Command(
                URL(filePath: "/bin/sh"),
                ["-c", command + #" "$@""#, "sh", Command.product("t2fnorm").path] + arguments,
                environment: ["T2FNORM_THREADS": ""]
            ).run())
    }

    @Test func theyFollowTheAffinityMaskAndTheRanksThatShareIt() async throws {
        try await SmallBenchmark.with { small in
            let bound = try await started(by: "exec taskset -c \(try processor())", evaluate(small))
            #expect(
                bound.text == "1 per rank (1 core in the affinity mask; no CPU quota)"
                    || bound.text.contains("quota of"))
            let alone = try await started(by: "exec", evaluate(small))
            let shared = try Line(
                of: try await Command.mpirun(
                    ranks: 2, "t2fnorm", evaluate(small), environment: ["T2FNORM_THREADS": ""]
                ).run())
            #expect(shared.cores == alone.cores)
            #expect(shared.threads == max(alone.threads / 2, 1))
            #expect(shared.text.contains("in the affinity mask, shared by 2 ranks; "), "\(shared.text)")
            let asked = try await started(by: "exec", evaluate(small, ["--set", "compute.threads=3"]))
            #expect(asked.text.hasPrefix("3 per rank (compute.threads; found: \(alone.cores) core"))
        }
    }

    @Test func aNumberOfTheLauncherHoldsUnlessASettingSaysOtherwise() async throws {
        try await SmallBenchmark.with { small in
            let launched = try await started(by: "T2FNORM_THREADS=3 exec", evaluate(small))
            #expect(launched.text.hasPrefix("3 per rank (T2FNORM_THREADS; found: "), "\(launched.text)")
            let set = try await started(
                by: "T2FNORM_THREADS=3 exec", evaluate(small, ["--set", "compute.threads=2"]))
            #expect(set.text.hasPrefix("2 per rank (compute.threads; found: "), "\(set.text)")
            let wrong = try await Command(
                Command.product("t2fnorm"), evaluate(small), environment: ["T2FNORM_THREADS": "many"]
            ).run()
            #expect(wrong.exitCode == 2)
            #expect(
                wrong.standardError
                    == "t2fnorm: T2FNORM_THREADS is 'many', expected a number of threads from 1 to 4096\n")

            let settings = small.settings(seed: 1) + ["--set", "training.stopAfterSteps=1"]
            for bind in ["core", "none"] {
                let trained = try await Command(
                    packageRoot.appending(path: "launch/train"),
                    ["--ranks-per-host", "1", "--threads", "1", "--bind", bind, "--resume", "none"]
                        + settings,
                    environment: ["T2FNORM": Command.product("t2fnorm").path]
                ).run()
                let line = try Line(of: trained)
                #expect(line.text.hasPrefix("1 per rank (T2FNORM_THREADS; found: "), "\(line.text)")
                #expect(trained.standardOutput.contains("1 rank with 1 thread and "))
            }
        }
    }

    @Test(.enabled(if: QuotaGroup.canBeMade, "no control group with a CPU quota can be made here"))
    func theyAreNoMoreThanAControlGroupsQuota() async throws {
        try await SmallBenchmark.with { small in
            let group = try #require(QuotaGroup(cores: 1.5))
            defer { group.remove() }
            let line = try await started(by: "echo $$ > \(group.processes); exec", evaluate(small))
            #expect(line.threads == 1)
            #expect(line.text.hasSuffix("; a CPU quota of 1.5 cores)"), "\(line.text)")
        }
    }

    private var packageRoot: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }
}
