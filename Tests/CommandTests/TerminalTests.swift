import Foundation
import TestSupport
import Testing

/// The output of a run on a terminal, by `script` of util-linux, and in a log.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct TerminalTests {
    private static let hasScript = Tool("script").isThere

    /// The output of a run of a few steps of small batches on a terminal of `columns`.
    private func shown(
        _ small: SmallBenchmark, columns: Int, _ environment: [String: String] = [:], before: String = "",
        _ more: [String] = []
    ) async throws -> String {
        let arguments = settings(small, more).map { "'\($0)'" }.joined(separator: " ")
        let line =
            "stty cols \(columns); \(before) exec '\(Command.product("t2fnorm").path)' train \(arguments)"
        let outcome = try await Command(
            URL(filePath: "/usr/bin/env"),
            ["script", "--quiet", "--command", line, "/dev/null"],
            environment: ["TERM": "xterm", "COLUMNS": "", "NO_COLOR": ""].merging(environment) { _, new in new
            }
        ).run()
        return outcome.standardOutput.replacing("\r\n", with: "\n")
    }

    private func settings(_ small: SmallBenchmark, _ more: [String] = []) -> [String] {
        let settings = [
            "name=t", "output=\(small.folder)/runs", "network.name=resnet20", "training.batch=16",
            "training.microbatch=16", "training.epochs=2000", "training.stopAfterSteps=12",
            "data.train=\(small.folder)/data/train", "data.validation=\(small.folder)/data/validation",
        ]
        return (settings + more).flatMap { ["--set", $0] }
    }

    /// The successive progress bars.
    private func bars(_ text: String) -> [String] {
        text.replacing("\u{1B}[K", with: "").split(whereSeparator: { $0 == "\r" || $0 == "\n" })
            .map(String.init).filter { $0.contains("░") || $0.contains("█") }
    }

    @Test(.enabled(if: hasScript, "needs util-linux' script"), arguments: [40, 60, 80, 120])
    func theBarFitsTheTerminalAndTheTimeThatIsLeftIsWhole(columns: Int) async throws {
        try await SmallBenchmark.with(seeds: 0) { small in
            let text = try await shown(small, columns: columns)
            let bars = bars(text)
            #expect(bars.count > 1, "\(text)")
            #expect(bars.allSatisfy { $0.count < columns })
            let last = try #require(bars.last)
            #expect(last.contains(/^[█░]{8,24} \d+\.\d %  ETA (\d+:)?\d+:\d\d(  |$)/), "\(last)")
            let ends: [Int: Regex<Substring>] = [
                40: /epoch|ETA/, 60: /step|loss/, 80: /loss|accuracy/, 120: /img\/s$/,
            ]
            #expect(last.contains(try #require(ends[columns])), "\(last)")
            #expect(last.contains(/( %|\d|img\/s)$/), "\(last)")
        }
    }

    @Test(.enabled(if: hasScript, "needs util-linux' script"))
    func noEscapesAreSentWhereTheyAreNotWanted() async throws {
        try await SmallBenchmark.with(seeds: 0) { small in
            let plain = try await shown(small, columns: 80, ["NO_COLOR": "1"])
            #expect(!plain.contains("\u{1B}") && bars(plain).count > 1, "\(plain)")
            try FileManager.default.removeItem(atPath: "\(small.folder)/runs")
            for terminal in ["dumb", ""] {
                let dumb = try await shown(small, columns: 80, before: "export TERM=\(terminal);")
                #expect(
                    !dumb.contains("\u{1B}") && bars(dumb).isEmpty && dumb.contains("run directory"),
                    "\(dumb)")
                try FileManager.default.removeItem(atPath: "\(small.folder)/runs")
            }
        }
    }

    /// A line that has wrapped in a narrowed window cannot be overwritten, and the lines above it
    /// must be kept.
    @Test(.enabled(if: hasScript, "needs util-linux' script"))
    func aWindowThatHasBecomeNarrowerGetsANewLine() async throws {
        try await SmallBenchmark.with(seeds: 0) { small in
            let log = "\(small.folder)/runs/t/s0/metrics.jsonl"
            let narrow =
                "(until [ \"$(grep -c step '\(log)' 2>/dev/null)\" -gt 3 ] 2>/dev/null; do sleep 0.05; done; stty cols 40 </dev/tty) & "
            let text = try await shown(small, columns: 100, before: narrow, ["training.stopAfterSteps=120"])
            let bars = bars(text)
            #expect(bars.contains { $0.count > 60 } && (bars.last?.count ?? 99) < 40, "\(text)")
            // Otherwise a bar is overwritten, and never followed by a newline. The bar of the first
            // step has no ETA.
            #expect(text.contains(/[█░] \d+\.\d %  [^\r\n]*\n/), "\(text)")
        }
    }

    @Test(.enabled(if: hasScript, "needs util-linux' script"))
    func aLineOnStandardErrorTakesTheBarsPlace() async throws {
        try await SmallBenchmark.with(seeds: 0) { small in
            let text = try await shown(
                small, columns: 80, [:], ["optimizer.learningRate=1e30", "head.name=linear"])
            #expect(bars(text).count >= 1 && text.contains("\r\u{1B}[Kt2fnorm: "), "\(text)")
        }
    }

    @Test func everyLineOfALogHasATime() async throws {
        try await SmallBenchmark.with(seeds: 0) { small in
            let run = try await small.t2fnorm(["train"] + settings(small))
            let lines = run.standardOutput.split(separator: "\n")
            let time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)\s\s/
            #expect(lines.count > 3 && lines.allSatisfy { $0.contains(time) }, "\(run.standardOutput)")
            let failing = try await small.t2fnorm(
                ["train"] + settings(small, ["name=f", "optimizer.learningRate=1e30", "head.name=linear"]))
            #expect(failing.exitCode == 4)
            #expect(
                failing.standardError.contains(
                    /^t2fnorm: .* \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)\)\n$/),
                "\(failing.standardError)")
            let wrong = try await small.t2fnorm(["train", "--set", "optimizer.momentum=7"])
            #expect(
                wrong.exitCode == 2 && !wrong.standardError.contains(/\(\d{4}-/), "\(wrong.standardError)")
        }
    }
}
