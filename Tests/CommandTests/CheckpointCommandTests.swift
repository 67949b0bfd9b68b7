import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct CheckpointCommandTests {
    private func run(_ arguments: String...) async throws -> Command.Outcome {
        try await Command(Command.product("t2fnorm"), ["checkpoint"] + arguments).run()
    }

    /// Calls `body` with a run's checkpoint folder after 3 and 4 steps.
    private func withCheckpoints(_ body: (String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let program = Command.product("t2fnorm")
            try await DrawnData.link(into: folder, train: 96)
            let settings = [
                "name=r", "output=\(folder)/runs", "network.name=resnet20", "training.batch=16",
                "training.microbatch=16",
                "training.checkpointEvery=3", "training.stopAfterSteps=4", "data.train=\(folder)/data/train",
                "data.validation=\(folder)/data/validation", "compute.threads=1",
            ]
            let trained = try await Command(program, ["train"] + settings.flatMap { ["--set", $0] }).run()
            try #require(trained.exitCode == 75, "\(trained.standardError)")
            try await body("\(folder)/runs/r/s0")
        }
    }

    /// Means of the tensors, by name, printed by `show --tensors`.
    private func means(_ path: String) async throws -> [String: Double] {
        let outcome = try await run("show", path, "--tensors")
        var means: [String: Double] = [:]
        for line in outcome.standardOutput.split(separator: "\n") {
            guard let mean = line.firstMatch(of: /^(\S+) \[.*mean (\S+),/) else { continue }
            means[String(mean.1)] = Double(mean.2)
        }
        return means
    }

    @Test func checkpointsAreListedShownAndCompared() async throws {
        try await withCheckpoints { run in
            let (third, fourth) = (
                "\(run)/checkpoints/step-00000003.h5", "\(run)/checkpoints/step-00000004.h5"
            )
            let list = try await self.run("list", run)
            let lines = list.standardOutput.split(separator: "\n")
            #expect(list.exitCode == 0 && lines.count == 2)
            #expect(
                lines.first?.hasPrefix("\(third)  step 3, 0 epochs, not validated yet, resumable") == true
            )
            let shown = try await self.run("show", run)
            #expect(
                shown.standardOutput.contains(
                    "network: resnet20, 10 classes, a T2FNorm head of temperature 0.1"))
            #expect(shown.standardOutput.contains("position: step 4, epoch 0 and 4 steps"))
            let same = try await self.run("diff", run, fourth)
            #expect(same.exitCode == 0 && same.standardOutput.contains("tensors have the same bits"))
            let other = try await self.run("diff", third, fourth)
            #expect(other.exitCode == 1 && other.standardError.isEmpty)
            #expect(other.standardOutput.contains("positions differ: step 3 and step 4"))
            #expect(other.standardOutput.contains("state/linear.weight: 640 of 640 elements differ"))
        }
    }

    @Test func aRunIsVerifiedWithAllItsSeedsAndNoFileIsNoSuccess() async throws {
        try await withCheckpoints { run in
            let whole = String(run.dropLast("/s0".count))
            let files = FileManager.default
            try files.copyItem(atPath: run, toPath: "\(whole)/s1")
            for command in ["verify", "list"] {
                let all = try await self.run(command, whole)
                #expect(all.exitCode == 0, "\(all.standardError)")
                #expect(all.standardOutput.split(separator: "\n").count == 4)
            }
            try files.removeItem(atPath: "\(whole)/s1/checkpoints")
            try files.createDirectory(atPath: "\(whole)/s1/checkpoints", withIntermediateDirectories: true)
            for folder in [whole, "\(whole)/s1", "\(whole)/s1/checkpoints", "\(whole)/.."] {
                for command in ["verify", "list"] {
                    let none = try await self.run(command, folder)
                    #expect(none.exitCode == 5, "\(command) \(folder)")
                    #expect(none.standardError.contains("there is no checkpoint"), "\(none.standardError)")
                }
            }
        }
    }

    @Test func anAverageIsTheMeanOfItsModels() async throws {
        try await withCheckpoints { run in
            let (third, fourth) = (
                "\(run)/checkpoints/step-00000003.h5", "\(run)/checkpoints/step-00000004.h5"
            )
            let (twice, both) = ("\(run)/twice.h5", "\(run)/both.h5")
            #expect(try await self.run("average", twice, third, third).exitCode == 0)
            #expect(try await self.run("diff", third, twice).exitCode == 0)
            #expect(try await self.run("average", both, third, fourth).exitCode == 0)
            let (a, b, mean) = (try await means(third), try await means(fourth), try await means(both))
            #expect(mean.count == a.count && mean.count > 100)
            for (name, value) in mean where !name.hasSuffix("num_batches_tracked") {
                #expect(abs(value - (a[name]! + b[name]!) / 2) <= 2e-6, "\(name)")
            }
            let refused = try await self.run("average", both, third)
            #expect(refused.exitCode == 5 && refused.standardError.contains("is there already"))
        }
    }

    @Test func aDamagedCheckpointIsNamed() async throws {
        try await withCheckpoints { run in
            let path = "\(run)/checkpoints/step-00000004.h5"
            var bytes = try Data(contentsOf: URL(filePath: path))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: path))
            let verified = try await self.run("verify", run)
            #expect(
                verified.exitCode == 5
                    && verified.standardOutput.contains("step-00000003.h5: 116 tensors are whole"))
            #expect(
                verified.standardError.contains("step-00000004.h5")
                    && verified.standardError.contains("damaged"))
            let list = try await self.run("list", run)
            #expect(list.exitCode == 5 && list.standardOutput.contains("step-00000004.h5  DAMAGED: "))
            let shown = try await self.run("show", run)
            #expect(shown.exitCode == 0 && shown.standardOutput.contains("position: step 3"))
            let nowhere = try await self.run("show", "\(run)/nowhere.h5")
            #expect(nowhere.exitCode == 5 && nowhere.standardError.contains("there is no such file"))
        }
    }
}
