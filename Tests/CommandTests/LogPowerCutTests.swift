import Foundation
import TestSupport
import Testing

/// A power cut loses unsynced lines of `metrics.jsonl`; a run must not resume with missing lines of
/// completed steps.
@Suite(
    .serialized, .enabled(if: PreloadedLibrary.canBeBuilt, "needs a C compiler"), .timeLimit(.minutes(30)))
struct LogPowerCutTests {
    @Test func everyStepHasItsLineAfterAPowerCut() async throws {
        let files = FileManager.default
        try await withTemporaryFolder { folder in
            let library = try await PreloadedLibrary("failing_disk", in: folder)
            try await DrawnData.link(into: folder, train: 192, other: nil)
            let run = "\(folder)/runs/r/s0"
            let settings = [
                "name=r", "output=\(folder)/runs", "network.name=resnet20", "training.batch=16",
                "training.microbatch=16", "training.epochs=1", "training.checkpointEvery=2",
                "data.train=\(folder)/data/train", "data.validation=\(folder)/data/validation",
                "compute.threads=1",
            ]
            let train = { (environment: [String: String]) in
                try await Command(
                    Command.product("t2fnorm"), ["train"] + settings.flatMap { ["--set", $0] },
                    environment: environment
                ).run()
            }
            let steps = {
                try String(contentsOfFile: "\(run)/metrics.jsonl", encoding: .utf8).split(separator: "\n")
                    .filter { $0.contains("\"event\":\"step\"") }
            }
            let whole = try await train([:])
            try #require(whole.exitCode == 0, "\(whole.standardError)")
            let expected = try steps()
            #expect(expected.count == 12)
            var resumedCount = 0
            // Calls on files of the run's folder: some forty at the start, then one per line and three
            // per checkpoint.
            for call in [44, 50, 56] {
                for path in ["runs", "shadow"] { try? files.removeItem(atPath: "\(folder)/\(path)") }
                for path in [run, "\(folder)/shadow"] {
                    try files.createDirectory(atPath: path, withIntermediateDirectories: true)
                }
                let cut = try await train([
                    "LD_PRELOAD": library.path, "DISK_FOLDER": run, "DISK_SHADOW": "\(folder)/shadow",
                    "DISK_LOSS": "data", "DISK_CALL": "\(call)",
                ])
                #expect(cut.exitCode == 128 + SIGKILL, "call \(call): \(cut.standardError)")
                let rest = try await train([:])
                #expect(rest.exitCode == 0, "call \(call): \(rest.standardError)")
                #expect(try steps() == expected, "call \(call)")
                if rest.standardOutput.contains("going on from ") { resumedCount += 1 }
            }
            // Each run must resume from a checkpoint: a run without one starts anew and loses nothing.
            #expect(resumedCount == 3)
        }
    }
}
