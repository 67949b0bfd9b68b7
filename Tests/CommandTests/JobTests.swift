import Foundation
import HDF5
import TestSupport
import Testing

/// Runs of the built program on a small synthetic benchmark, by the command line.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct JobTests {
    /// The settings of a run of `steps` updates of batches of 16 in microbatches of 4.
    private func settings(_ folder: URL, name: String, _ more: [String] = []) -> [String] {
        [
            "name=\(name)", "output=\(folder.path)/runs", "network.name=resnet20", "training.epochs=2",
            "training.batch=16", "training.microbatch=4", "data.train=\(folder.path)/data/train",
            "data.validation=\(folder.path)/data/validation", "data.test=\(folder.path)/data/validation",
            "evaluation.near={near-shapes: \(folder.path)/data/near-shapes}",
        ].flatMap { ["--set", $0] } + more.flatMap { ["--set", $0] }
    }

    private func train(
        _ folder: URL, name: String, ranks: Int, _ more: [String] = []
    ) async throws -> Command.Outcome {
        try await Command.mpirun(
            ranks: ranks, "t2fnorm", ["train"] + settings(folder, name: name, more)
        ).run()
    }

    /// The results that two runs of one configuration must share to the bit.
    private struct Results: Equatable {
        /// The lines of `metrics.jsonl` about updates.
        var steps: [String]
        /// Every tensor of the newest checkpoint: state and momentum.
        var tensors: [String: [UInt32]]
    }

    private func results(_ folder: URL, name: String) throws -> Results {
        let run = folder.appending(path: "runs/\(name)/s0")
        let newest = try String(contentsOf: run.appending(path: "checkpoints/latest"), encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let lines = try String(contentsOf: run.appending(path: "metrics.jsonl"), encoding: .utf8)
            .split(separator: "\n").map(String.init)
        let file = try HDF5File(opening: run.appending(path: "checkpoints/\(newest)").path)
        var tensors: [String: [UInt32]] = [:]
        for group in ["state", "momentum"] {
            for tensor in try file.memberNames(of: group) {
                let elements: [Float] = try file.read("\(group)/\(tensor)")
                tensors["\(group)/\(tensor)"] = elements.map(\.bitPattern)
            }
        }
        return Results(steps: lines.filter { $0.contains("\"event\":\"step\"") }, tensors: tensors)
    }

    private func withBenchmark(_ body: (URL) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try await DrawnData.link(into: folder, train: 160)
            try await body(URL(filePath: folder))
        }
    }

    @Test func everyWorldAndThreadCountGivesTheSameBits() async throws {
        try await withBenchmark { folder in
            var first: Results?
            for (ranks, threads) in [(1, 1), (1, 2), (2, 1), (4, 1)] {
                let name = "r"
                try? FileManager.default.removeItem(at: folder.appending(path: "runs"))
                let outcome = try await train(
                    folder, name: name, ranks: ranks, ["compute.threads=\(threads)"])
                #expect(outcome.exitCode == 0, "\(outcome.standardError)")
                let own = try results(folder, name: name)
                #expect(own.steps.count == 20)
                if let first { #expect(own == first, "\(ranks) ranks with \(threads) threads") }
                first = first ?? own
            }
        }
    }

    @Test func aStoppedRunGoesOnWithTheSameBitsOnAnotherNumberOfRanks() async throws {
        try await withBenchmark { folder in
            let whole = try await train(folder, name: "r", ranks: 1)
            #expect(whole.exitCode == 0, "\(whole.standardError)")
            let expected = try results(folder, name: "r")
            try FileManager.default.removeItem(at: folder.appending(path: "runs"))
            for (stop, ranks) in [(7, 2), (13, 1), (0, 2)] {
                let part = try await train(
                    folder, name: "r", ranks: ranks, ["training.stopAfterSteps=\(stop)"])
                #expect(part.exitCode == (stop == 0 ? 0 : 75), "\(part.standardError)")
            }
            #expect(try results(folder, name: "r") == expected)
        }
    }

    @Test func anAutotunedRunGoesOnWithTheAlgorithmsThatItsCheckpointKeeps() async throws {
        try await withBenchmark { folder in
            let measured = ["compute.convolution=autotune"]
            let first = try await train(
                folder, name: "r", ranks: 2, measured + ["training.stopAfterSteps=3"])
            #expect(first.exitCode == 75, "\(first.standardError)")
            #expect(
                first.standardOutput.components(separatedBy: "measured the algorithms of 6 convolutions")
                    .count
                    == 2,
                "\(first.standardOutput)")
            let runs = folder.appending(path: "runs")
            let stopped = folder.appending(path: "stopped")
            try FileManager.default.moveItem(at: runs, to: stopped)
            var ends: [Results] = []
            for (ranks, threads) in [(2, 1), (1, 1), (1, 2)] {
                try? FileManager.default.removeItem(at: runs)
                try FileManager.default.copyItem(at: stopped, to: runs)
                let rest = try await train(
                    folder, name: "r", ranks: ranks, measured + ["compute.threads=\(threads)"])
                #expect(rest.exitCode == 0, "\(rest.standardError)")
                #expect(rest.standardOutput.contains("note: convolution algorithms are those of"))
                ends.append(try results(folder, name: "r"))
            }
            #expect(ends[0].steps.count == 20)
            #expect(ends[1] == ends[0] && ends[2] == ends[0])
            let evaluated = try await Command.mpirun(
                ranks: 2, "t2fnorm", ["evaluate", "\(folder.path)/runs/r"]
            ).run()
            #expect(evaluated.exitCode == 0, "\(evaluated.standardError)")
        }
    }

    @Test func threeRanksRunAndSaySoOnce() async throws {
        try await withBenchmark { folder in
            let outcome = try await train(folder, name: "r", ranks: 3, ["training.stopAfterSteps=2"])
            #expect(outcome.exitCode == 75, "\(outcome.standardError)")
            #expect(outcome.standardOutput.components(separatedBy: "no power of two").count == 2)
        }
    }

    @Test func anEvaluationIsTheSameForEveryWorld() async throws {
        try await withBenchmark { folder in
            let trained = try await train(folder, name: "r", ranks: 2, ["training.epochs=1"])
            #expect(trained.exitCode == 0, "\(trained.standardError)")
            let tables = folder.appending(path: "runs/r/s0/evaluation/validation/ood")
            let scores = [
                "t2fnorm", "dice", "react", "vra", "temp_scaling", "klm", "mds", "rmds", "ssd", "vim",
                "residual", "she",
                "knn", "nnguide", "relation",
            ]
            var found: [[String: Data]] = []
            for ranks in [1, 2, 4] {
                // Or the tables of fewer ranks could be compared with themselves.
                try? FileManager.default.removeItem(at: folder.appending(path: "runs/r/s0/evaluation"))
                let outcome = try await Command.mpirun(
                    ranks: ranks, "t2fnorm",
                    ["evaluate", "\(folder.path)/runs/r"] + scores.flatMap { ["--score", $0] }
                ).run()
                #expect(outcome.exitCode == 0, "\(outcome.standardError)")
                found.append(
                    try Dictionary(
                        uniqueKeysWithValues: scores.map {
                            ($0, try Data(contentsOf: tables.appending(path: "\($0).csv")))
                        }))
            }
            #expect(found[0] == found[1] && found[0] == found[2])
            #expect(String(decoding: found[0]["knn"]!, as: UTF8.self).contains("nearood"))
        }
    }

    /// Scores that capture activations, and a search for score settings.
    @Test func aSearchIsTheSameForEveryWorld() async throws {
        try await withBenchmark { folder in
            let trained = try await train(folder, name: "r", ranks: 2, ["training.epochs=1"])
            #expect(trained.exitCode == 0, "\(trained.standardError)")
            let tables = folder.appending(path: "runs/r/s0/evaluation/validation/ood")
            let scores = [
                "scale", "gen", "knn", "adascale_a", "rankfeat", "gram", "mds_ensemble", "grood", "dropout",
            ]
            let search = [
                "evaluation.search=true", "evaluation.outlierValidation=\(folder.path)/data/near-shapes",
            ]
            var found: [[String: Data]] = []
            var output = ""
            for ranks in [1, 2, 4] {
                // Or the tables of fewer ranks could be compared with themselves.
                try? FileManager.default.removeItem(at: folder.appending(path: "runs/r/s0/evaluation"))
                let outcome = try await Command.mpirun(
                    ranks: ranks, "t2fnorm",
                    ["evaluate", "\(folder.path)/runs/r", "--score"] + scores
                        + search.flatMap { ["--set", $0] }
                ).run()
                #expect(outcome.exitCode == 0, "\(outcome.standardError)")
                output = outcome.standardOutput
                found.append(
                    try Dictionary(
                        uniqueKeysWithValues: (scores + ["search"]).map {
                            ($0, try Data(contentsOf: tables.appending(path: "\($0).csv")))
                        }))
            }
            #expect(found[0] == found[1] && found[0] == found[2])
            let log = String(decoding: found[0]["search"]!, as: UTF8.self).split(separator: "\n")
            #expect(log[0] == "score,settings,auroc,tried")
            #expect(
                log.dropFirst().map { $0.prefix { $0 != "," } } == [
                    "scale", "gen", "knn", "adascale_a",
                ])
            #expect(log[1].hasPrefix("scale,percentile ") && log[1].hasSuffix(",7"))
            #expect(output.contains("scale: percentile ") && output.contains("the best of 7 (AUROC "))
            #expect(output.contains("note: adascale_a takes 2 more forward passes and 1 more backward pass"))
        }
    }

    @Test func aJobThatItsHostHasNoRoomForStopsBeforeItsStart() async throws {
        try await withBenchmark { folder in
            // Some 2 TB of activations.
            let outcome = try await train(
                folder, name: "r", ranks: 2,
                ["network.name=resnet18_32x32", "training.batch=1048576", "optimizer.learningRate=0.1"])
            #expect(outcome.exitCode == 6)
            #expect(outcome.standardError.components(separatedBy: "the job needs ").count == 2)
            #expect(outcome.standardError.contains("(2 ranks with "))
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/runs/r"))
        }
    }

    @Test func theLossGoingToInfinityEndsEveryRankWithOneMessage() async throws {
        try await withBenchmark { folder in
            let outcome = try await train(
                folder, name: "r", ranks: 2, ["optimizer.learningRate=1e30", "head.name=linear"])
            #expect(outcome.exitCode == 4)
            #expect(outcome.standardError.components(separatedBy: "lower optimizer.learningRate").count == 2)
        }
    }
}
