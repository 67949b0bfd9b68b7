import Foundation
import TestSupport
import Testing

/// Training, evaluation and checkpoints of a run without a classifier, by the command line.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct ProjectionCommandTests {
    private static func settings(_ small: SmallBenchmark) -> [String] {
        [
            "name=p", "output=\(small.folder)/runs", "network.name=resnet20", "training.batch=32",
            "training.microbatch=8", "training.epochs=1", "data.train=\(small.folder)/data/train",
            "data.validation=\(small.folder)/data/validation", "data.test=\(small.folder)/data/test",
            "head.name=projection", "loss.name=reweightOOD", "evaluation.scores=[mds, rmds, ssd, knn, cfood]",
            "data.transform.crop=resized", "data.transform.smallestArea=0.2", "optimizer.learningRate=0.01",
        ].flatMap { ["--set", $0] }
    }

    @Test func itIsTrainedEvaluatedAndScoredWithoutClasses() async throws {
        try await SmallBenchmark.with { small in
            let printed = try await small.successful(["train"] + Self.settings(small))
            #expect(printed.contains("training accuracy –, validation accuracy –"))
            #expect(printed.contains("also as best.h5 (there is no accuracy to choose by)"))
            #expect(!printed.contains("the best model so far"))
            let run = "\(small.folder)/runs/p"
            try await evaluatesAlikeOnRanks(small, run)
            try await refusesWhatNeedsLogits(small, run)

            let lines = try await small.successful([
                "score", run, "\(small.folder)/images", "--score", "mds", "--format", "csv",
            ])
            let rows = lines.split(separator: "\n").dropFirst().map {
                $0.split(separator: ",", omittingEmptySubsequences: false)
            }
            #expect(rows.count == 29)
            #expect(
                rows.allSatisfy { $0.count == 5 && $0[1].isEmpty && $0[2].isEmpty && Double($0[3]) != nil })

            let shown = try await small.successful(["checkpoint", "show", "\(run)/s0"])
            #expect(shown.contains("projection head of 128 outputs, no classifier"))
            #expect(shown.contains("best: no accuracy without a classifier"))
            let listed = try await small.successful(["checkpoint", "list", "\(run)/s0"])
            #expect(listed.contains("no accuracy (projection head)"))
        }
    }

    private func evaluatesAlikeOnRanks(_ small: SmallBenchmark, _ run: String) async throws {
        var first: [String: Data]?
        for ranks in [1, 2, 4] {
            try? FileManager.default.removeItem(atPath: "\(run)/s0/evaluation")
            let printed = try await small.successful(
                ["evaluate", run, "--benchmark", "\(small.folder)/drawn.yml", "--bootstrap", "10"],
                ranks: ranks)
            #expect(printed.contains("farood") && !printed.contains(", ACC"))
            #expect(printed.contains("note: there is no accuracy, as the network has a projection head"))
            let files = try small.files(below: "runs/p/s0/evaluation/drawn")
            if let first {
                for (name, data) in first { #expect(files[name] == data, "\(name), \(ranks) ranks") }
            }
            first = first ?? files
        }
        let table = try small.text("runs/p/s0/evaluation/drawn/ood/mds.csv").split(separator: "\n")
        #expect(table[0] == ",FPR@95,AUROC,AUPR_IN,AUPR_OUT,ACC")
        let textures = try #require(table.first { $0.hasPrefix("textures,") })
        let cells = textures.split(separator: ",", omittingEmptySubsequences: false)
        #expect(cells.count == 6 && cells[5].isEmpty)
        #expect(cells[1...4].allSatisfy { Double($0) != nil })
        #expect(try small.text("runs/p/s0/evaluation/drawn/table.md").contains("| – |"))
    }

    private func refusesWhatNeedsLogits(_ small: SmallBenchmark, _ run: String) async throws {
        let benchmark = "\(small.folder)/drawn.yml"
        for (arguments, exitCode, part) in [
            (
                ["evaluate", run, "--benchmark", benchmark, "--score", "mds", "msp"], 2,
                "--score is msp, expected one of mds, rmds, ssd, knn, cfood, which use features alone"
            ),
            (
                ["evaluate", run, "--benchmark", benchmark, "--diagnostics"], 2,
                "--diagnostics is given, expected a network with logits"
            ),
            (
                ["score", run, "\(small.folder)/images", "--score", "ebo"], 2,
                "--score is ebo, expected one of mds"
            ),
            (
                ["export", run, "\(small.folder)/p.ckpt"], 5,
                "has a projection head, which cannot be exported"
            ),
            (
                ["train"] + Self.settings(small) + ["--set", "evaluation.scores=[msp]"], 2,
                "evaluation.scores is msp"
            ),
            (
                ["train"] + Self.settings(small) + ["--set", "compute.accumulation=2"], 2,
                "compute.accumulation is 2"
            ),
        ] as [([String], Int32, String)] {
            let refused = try await small.t2fnorm(arguments)
            #expect(refused.exitCode == exitCode, "\(arguments)")
            #expect(refused.standardError.contains(part), "\(refused.standardError)")
        }
        #expect(!FileManager.default.fileExists(atPath: "\(small.folder)/p.ckpt"))
        // An exported classifier has no projection head to resume from.
        try await small.successful(["export", "\(small.folder)/runs/r", "\(small.folder)/r.ckpt"])
        try "name: q\n".write(toFile: "\(small.folder)/q.yml", atomically: true, encoding: .utf8)
        let imported = try await small.t2fnorm(
            ["import", "\(small.folder)/r.ckpt", "--into", "training", "--config", "\(small.folder)/q.yml"]
                + Self.settings(small))
        #expect(imported.exitCode == 2)
        #expect(imported.standardError.contains("head.name is projection, expected linear or t2fnorm"))
    }
}
