import Foundation
import TestSupport
import Testing

/// The reports of `launch/test` and `.ci/run` on a test run.
@Suite(.timeLimit(.minutes(30)))
struct TestRunTests {
    /// Runs a line of a script that sources `launch/common.sh`.
    private func run(_ script: String, _ environment: [String: String] = [:]) async throws -> Command.Outcome
    {
        let common = packageRoot.appending(path: "launch/common.sh").path
        return try await Command(
            URL(filePath: "/bin/bash"), ["-c", "set -euo pipefail; source '\(common)'; \(script)"],
            environment: environment
        ).run()
    }

    /// Test `b` and the children of its program never end.
    @Test func aTestThatHangsIsNamedAndEnded() async throws {
        let lines = """
            echo '◇ Test a() started.'; echo '◇ Test b(count:) started.'; echo '◇ Test c(_:) started.'; \
            echo '✔ Test a() passed after 1.0 seconds.'; echo '✘ Test c(_:) with 3 test cases failed after 2.0 seconds.'; \
            sleep 3600 & sleep 3600
            """
        let outcome = try await run("watched_tests bash -c \"\(lines)\"", ["T2FNORM_TEST_SILENCE": "3"])
        #expect(outcome.exitCode == 1 && !outcome.isTimedOut)
        #expect(
            outcome.standardError
                == "no test has ended for 3 s; these have started and not ended:\n  b(count:)\n")
        #expect(outcome.standardOutput.split(separator: "\n").count == 5)
    }

    @Test(arguments: [0, 1, 70]) func theExitCodeAndAllLinesComeThrough(code: Int32) async throws {
        let outcome = try await run(
            "watched_tests bash -c 'echo one; echo two >&2; printf three; exit \(code)'")
        #expect(outcome.exitCode == code)
        #expect(outcome.standardOutput == "one\ntwo\nthree")
    }

    @Test func ofTwoRunsAtOnceTheLastLineIsTheSum() async throws {
        let runs = [
            "✔ Test run with 700 tests in 80 suites passed after 91.5 seconds with 2 known issues.",
            "✘ Test run with 500 tests in 1 suite failed after 173.25 seconds with 3 issues (including 1 known issue).",
        ].map { "bash -c \"sleep 1; echo '\($0)'; exit @\"" }
        func outcome(_ codes: [Int]) async throws -> Command.Outcome {
            let lines = zip(runs, codes).map {
                "'\($0.replacing("@", with: "\($1)").replacing("'", with: "'\\''"))'"
            }
            return try await run("watched_tests both \(lines[0]) \(lines[1])")
        }
        let one = try await outcome([0, 1])
        #expect(one.exitCode == 1)
        #expect(
            one.standardOutput.hasSuffix(
                "\n✘ Test run with 1200 tests in 81 suites failed after 173.250 seconds with 5 issues (including 3 known).\n"
            ), "\(one.standardOutput)")
        #expect(try await outcome([0, 0]).exitCode == 0)
        #expect(try await outcome([1, 0]).exitCode == 1)
    }

    @Test func aRunThatCrashesIsNotHiddenByTheOtherThatPassed() async throws {
        let passed = "echo Test run with 7 tests in 2 suites passed after 1.5 seconds."
        let outcome = try await run(
            "watched_tests both \"bash -c 'sleep 1; \(passed)'\" \"bash -c 'kill -KILL \\$\\$'\"")
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.standardOutput.hasSuffix(
                "✘ Test run with 7 tests in 2 suites failed after 1.500 seconds.\n"),
            "\(outcome.standardOutput)")
    }

    @Test func skippedTestsAreCounted() async throws {
        try await withTemporaryFolder { folder in
            let log = "\(folder)/log"
            try """
            ◇ Test a() started.
            ➜ Test b() skipped: "needs a compiler"
            ➜ Test c(_:) skipped.
            ✔ Test wordsThatSaySkipped() passed after 0.1 seconds.
            ✔ Test run with 3 tests in 1 suite passed after 1.0 seconds.
            """.write(toFile: log, atomically: true, encoding: .utf8)
            let outcome = try await run("test_summary '\(log)'")
            #expect(
                outcome.standardOutput
                    == "✔ Test run with 3 tests in 1 suite passed after 1.0 seconds.; 2 skipped\n")
        }
    }
}
