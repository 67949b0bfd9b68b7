import Foundation
import TestSupport
import Testing

/// Two ranks in two folders, each with its own `runs`.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct UnsharedFolderTests {
    private struct Two {
        let small: SmallBenchmark

        init(_ small: SmallBenchmark) throws {
            self.small = small
            for name in ["a", "b"] {
                try FileManager.default.createDirectory(
                    atPath: "\(small.folder)/\(name)", withIntermediateDirectories: true)
            }
        }

        func arguments(steps: Int, _ more: [String] = []) -> [String] {
            ["train"] + small.settings(seed: 3) + ["--set", "output=runs", "--set", "compute.threads=1"]
                + ["--set", "training.stopAfterSteps=\(steps)"] + more.flatMap { ["--set", $0] }
        }

        func path(_ name: String) -> String { "\(small.folder)/\(name)" }

        /// Rank 0 in one folder, rank 1 in the other.
        func train(
            _ first: String, _ second: String, steps: Int, _ options: [String] = []
        ) async throws -> Command.Outcome {
            let own = arguments(steps: steps) + options
            var command = Command.mpirun(
                ranks: 1, "t2fnorm",
                own + [":", "-n", "1", "-wdir", path(second), Command.product("t2fnorm").path] + own,
                timeLimit: .seconds(300))
            command.workingDirectory = URL(filePath: path(first))
            return try await command.run()
        }

        func checkpoints(_ name: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: path(name) + "/runs/r/s3/checkpoints")
                .sorted()
        }
    }

    @Test func ranksThatWouldGoOnFromDifferentPlacesAreTold() async throws {
        try await SmallBenchmark.with { small in
            let two = try Two(small)
            let first = try await two.train("a", "b", steps: 1)
            #expect(first.exitCode == 75, "\(first.standardError)")
            let remark = "does not see the run's folder of rank 0 ("
            #expect(first.standardOutput.contains(remark), "\(first.standardOutput)")
            let before = try two.checkpoints("a")
            for (one, other) in [("a", "b"), ("b", "a")] {
                let second = try await two.train(one, other, steps: 2)
                #expect(second.exitCode == 6)
                for (rank, name) in [(0, one), (1, other)] {
                    let what = name == "a" ? "step 1" : "no checkpoint"
                    let folder = two.path(name) + "/runs/r/s3/checkpoints"
                    #expect(
                        second.standardError.range(
                            of: "rank \(rank) \\([^)]*\\) finds \(what) in [^ ]*\(folder)",
                            options: .regularExpression) != nil,
                        "\(second.standardError)")
                }
                #expect(second.standardError.contains("the run's folder is not shared"))
                #expect(second.standardError.components(separatedBy: "not shared").count == 2)
            }
            #expect(try two.checkpoints("a") == before)
            // A named checkpoint that one rank does not see.
            let named = try await two.train(
                "b", "a", steps: 2,
                ["--resume", "runs/r/s3/checkpoints/\(before.first { $0.hasPrefix("step") } ?? "")"])
            #expect(named.exitCode == 6 && named.standardError.contains("the run's folder is not shared"))
            let nowhere = try await two.train("a", "a", steps: 2, ["--resume", "runs/nowhere.h5"])
            #expect(nowhere.exitCode == 5 && nowhere.standardError.contains("there is no such file"))
            // A checkpoint of the same step, but of another run.
            var alone = Command(
                Command.product("t2fnorm"), two.arguments(steps: 1, ["optimizer.learningRate=0.05"]))
            alone.workingDirectory = URL(filePath: two.path("b"))
            let other = try await alone.run()
            #expect(other.exitCode == 75)
            let third = try await two.train("a", "b", steps: 2)
            #expect(third.exitCode == 6)
            #expect(third.standardError.contains("with different tensors: the run's folder is not shared"))
            // One folder for both.
            let shared = try await two.train("a", "a", steps: 2)
            #expect(
                shared.exitCode == 75 && !shared.standardOutput.contains(remark), "\(shared.standardError)")
        }
    }
}
