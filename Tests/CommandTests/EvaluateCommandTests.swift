import Foundation
import HDF5
import TestSupport
import Testing

/// Evaluations on a benchmark's file, as a user starts them.
@Suite(.serialized)
struct EvaluateCommandTests {
    @Test func everyFileIsTheSameForEveryWorld() async throws {
        try await SmallBenchmark.with { small in
            var first: [String: Data]?
            for ranks in [1, 2, 4] {
                for part in ["evaluation", "scores"] {
                    try? FileManager.default.removeItem(atPath: "\(small.folder)/runs/r/s0/\(part)")
                }
                try await small.successful(
                    [
                        "evaluate", "\(small.folder)/runs/r", "--benchmark", "\(small.folder)/drawn.yml",
                        "--save-scores", "--diagnostics", "--bootstrap", "20", "--score", "t2fnorm", "mds",
                        "knn",
                    ], ranks: ranks)
                let files = try small.files(below: "runs/r/s0/evaluation/drawn")
                    .merging(try small.files(below: "runs/r/s0/scores")) { own, _ in own }
                #expect(
                    Set(files.keys).isSuperset(of: [
                        "ood/t2fnorm.csv", "fsood/t2fnorm.csv", "ood/knn.intervals.csv", "results.json",
                        "table.md", "diagnostics.csv", "drawn.h5",
                    ]))
                if let first {
                    for (name, data) in first { #expect(files[name] == data, "\(name), \(ranks) ranks") }
                }
                first = first ?? files
            }
        }
    }

    @Test func aBenchmarkWithSetsMissingRunsOnWhatIsThereAndSaysSo() async throws {
        try await SmallBenchmark.with { small in
            let folder = small.folder
            let printed = try await small.successful([
                "evaluate", "\(folder)/runs/r", "--benchmark", "\(folder)/drawn.yml", "--published", "CE",
                "--markdown", "\(folder)/side.md",
            ])
            let remarks = [
                "missing: lost (no dataset at \(folder)/data/lost); nearood is the mean of 1 of 2 sets",
                "missing on the in-distribution side of fsood: gone (no dataset at \(folder)/data/gone)",
                "near-shapes has 37 images, the benchmark 40",
                "textures was packed without its image list, so its split is not verified",
            ]
            let markdown = try small.text("runs/r/s0/evaluation/drawn/table.md")
            for remark in remarks {
                #expect(printed.contains("note: \(remark)\n"))
                #expect(markdown.contains("- \(remark)\n"))
            }
            #expect(markdown.hasPrefix("# r/s0 on drawn\n\n## ood, msp\n\n|  | FPR@95 | AUROC |"))
            #expect(markdown.contains("## fsood, ebo\n") && markdown.contains("| lost | – |"))
            #expect(printed.contains("published: CE, ACC 90.00"))
            #expect(try small.text("side.md").contains("88.50"))
            let table = try small.text("runs/r/s0/evaluation/drawn/ood/msp.csv").split(separator: "\n")
            #expect(
                table.map { $0.prefix { $0 != "," } } == [
                    "", "near-shapes", "lost", "nearood", "textures", "farood",
                ])
            #expect(table[0] == ",FPR@95,AUROC,AUPR_IN,AUPR_OUT,ACC")
            #expect(table[2] == "lost,,,,,")
            let shifted = try small.text("runs/r/s0/evaluation/drawn/fsood/msp.csv")
            #expect(shifted.split(separator: "\n")[1] != table[1])
        }
    }

    @Test func optionalSetsAreTakenByNameAndUnknownOnesRefused() async throws {
        try await SmallBenchmark.with { small in
            let evaluate = [
                "evaluate", "\(small.folder)/runs/r", "--benchmark", "\(small.folder)/drawn.yml",
            ]
            try await small.successful(evaluate + ["--with", "more"])
            #expect(try small.text("runs/r/s0/evaluation/drawn/ood/msp.csv").contains("\nmore,"))
            let unknown = try await small.t2fnorm(evaluate + ["--with", "textures"])
            #expect(unknown.exitCode == 3)
            #expect(unknown.standardError.contains("no optional set of this name"))
            let training = try await small.t2fnorm(evaluate + ["--published", "Magic"])
            #expect(training.exitCode == 2)
            #expect(training.standardError.contains("--published is Magic, expected some of CE"))
        }
    }

    @Test func severalSeedsBecomeMeansAndDeviationsAndRunsStandSideBySide() async throws {
        try await SmallBenchmark.with(seeds: 2) { small in
            let run = "\(small.folder)/runs/r"
            let printed = try await small.successful([
                "evaluate", run, "--benchmark", "\(small.folder)/drawn.yml", "--score", "ebo",
            ])
            let cells = try ["s0/", "s1/", ""].map { seed in
                try small.text("runs/r/\(seed)evaluation/drawn/ood/ebo.csv").split(separator: "\n")[4]
                    .split(separator: ",")[2]
            }
            let (one, other) = (try #require(Double(cells[0])), try #require(Double(cells[1])))
            let parts = cells[2].split(separator: "±").compactMap {
                Double($0.trimmingCharacters(in: .whitespaces))
            }
            // The cells of the seeds are rounded.
            #expect(abs(parts[0] - (one + other) / 2) < 0.011)
            #expect(abs(parts[1] - abs(one - other) / 2) < 0.011)
            // What was kept gives the same table, without a model to score with.
            for seed in ["s0", "s1"] {
                try FileManager.default.removeItem(atPath: "\(run)/\(seed)/checkpoints")
            }
            let again = try await small.successful(["evaluate", "--compare", run, "--score", "ebo"])
            let table = { (text: String) in
                text.split(separator: "\n").drop { !$0.hasPrefix("ood:") }.joined(separator: "\n")
            }
            #expect(table(again) == table(printed) && table(again).contains("farood"))
            let both = try await small.successful([
                "evaluate", "--compare", "\(run)/s0", "\(run)/s1", "--benchmark", "drawn",
            ])
            #expect(both.contains("s0, ACC") && both.contains("s1, ACC"))
            let unscored = try await small.t2fnorm(["evaluate", "--compare", run, "--score", "knn"])
            #expect(unscored.exitCode == 5)
            #expect(unscored.standardError.contains("has no tables of knn on drawn"))
            let unknown = try await small.t2fnorm(["evaluate", "--compare", run, "--benchmark", "other"])
            #expect(unknown.exitCode == 5)
            #expect(unknown.standardError.contains("evaluate the run without --compare first"))
        }
    }

    /// The ensemble of two seeds is the same whichever of them is scored, and on any number of ranks.
    @Test func anEnsembleAveragesTheSeeds() async throws {
        try await SmallBenchmark.with(seeds: 2) { small in
            let run = "\(small.folder)/runs/r"
            let evaluate = { (run: String, more: [String]) in
                ["evaluate", run, "--benchmark", "\(small.folder)/drawn.yml", "--score", "ensemble"] + more
            }
            let printed = try await small.successful(evaluate(run, ["--ensemble", run]))
            #expect(printed.contains("note: ensemble: with \(run)/s1/checkpoints/best.h5"))
            let tables = try ["s0", "s1"].map {
                try small.text("runs/r/\($0)/evaluation/drawn/ood/ensemble.csv")
            }
            let areas = tables.map {
                $0.split(separator: "\n").dropFirst().map { $0.split(separator: ",").dropLast() }
            }
            #expect(areas[0] == areas[1])
            try await small.successful(evaluate("\(run)/s0", ["--ensemble", "\(run)/s1"]), ranks: 2)
            #expect(try small.text("runs/r/s0/evaluation/drawn/ood/ensemble.csv") == tables[0])
            for (more, part) in [
                ([], "--ensemble is missing, expected the folders of other runs"),
                (["--ensemble", "\(run)/s0"], "--ensemble is no network but that of \(run)/s0"),
            ] {
                let refused = try await small.t2fnorm(evaluate("\(run)/s0", more))
                #expect(
                    refused.exitCode == 2 && refused.standardError.contains(part), "\(refused.standardError)")
            }
            let other = try await small.t2fnorm([
                "evaluate", "\(run)/s0", "--score", "msp", "--ensemble", run,
            ])
            #expect(other.exitCode == 2)
            #expect(
                other.standardError.contains("--ensemble is given, expected the score ensemble beside it"))
            let outliers = try await small.t2fnorm(["evaluate", "\(run)/s0", "--score", "grood"])
            #expect(outliers.exitCode == 2)
            #expect(outliers.standardError.contains("evaluation.outlierValidation is empty, expected"))
            // The thresholds of an ensemble are those of all its networks.
            let score = ["score", "\(run)/s0", "\(small.folder)/images", "--score", "ensemble", "--ensemble"]
            let lines = try await small.successful(score + [run])
            #expect(try await small.successful(score + [run]) == lines)
            #expect(lines.split(separator: "\n").count == 30)
        }
    }

    @Test func everySamplesScoreIsKeptWithWhatItIsOf() async throws {
        try await SmallBenchmark.with { small in
            try await small.successful([
                "evaluate", "\(small.folder)/runs/r", "--benchmark", "\(small.folder)/drawn.yml",
                "--save-scores",
            ])
            let file = try HDF5File(opening: "\(small.folder)/runs/r/s0/scores/drawn.h5")
            #expect(try file.memberNames() == ["drawn", "near-shapes", "shifted", "textures"])
            let (ids, labels): ([Int64], [Int32]) = (try file.read("drawn/id"), try file.read("drawn/label"))
            #expect(ids == (0..<61).map(Int64.init))
            #expect(labels == (0..<61).map { Int32($0 % 10) })
            let scores: [Float] = try file.read("textures/score/ebo")
            #expect(scores.count == 29 && scores.allSatisfy(\.isFinite))
            #expect(try file.readStrings("textures/path")[3].hasSuffix("003.png"))
            let hasPath = file.contains("drawn/path")
            #expect(!hasPath)
            #expect(try file.stringAttribute("weights").count == 16)
            #expect(try file.stringAttribute("preprocessing").count == 16)
            #expect(try file.stringAttribute("records", on: "textures").count == 16)
            #expect(try file.stringAttribute("role", on: "shifted") == "csid")
        }
    }

    @Test func whatDoesNotGoTogetherIsRefused() async throws {
        for (arguments, message) in [
            (["--data", "x"], "--data, --with and --published go with --benchmark"),
            (["--compare", "--diagnostics"], "--compare scores nothing"),
            (["--bootstrap", "0"], "--bootstrap is 1 or more"),
        ] {
            let outcome = try await Command(
                Command.product("t2fnorm"), ["evaluate", "runs/x"] + arguments
            ).run()
            #expect(outcome.exitCode == 2)
            #expect(outcome.standardError.contains(message))
        }
    }
}
