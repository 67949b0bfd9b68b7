import Foundation
import HDF5
import TestSupport
import Testing

/// Evaluations on a benchmark's file, as a user starts them.
@Suite(.serialized, .timeLimit(.minutes(30)))
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
            // The seeds' cells are rounded, which bounds the error.
            #expect(abs(parts[0] - (one + other) / 2) < 0.011)
            #expect(abs(parts[1] - abs(one - other) / 2) < 0.011)
            // The stored results give the same table without a model.
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

    /// The ensemble of two seeds is the same whichever of them is scored, and on any number of
    /// ranks.
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
                other.standardError.contains("--ensemble is given, expected the score ensemble with it"))
            let outliers = try await small.t2fnorm(["evaluate", "\(run)/s0", "--score", "grood"])
            #expect(outliers.exitCode == 2)
            #expect(outliers.standardError.contains("evaluation.outlierValidation is empty, expected"))
            // The thresholds of an ensemble depend on all its networks.
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

    /// Seeds of two runs have the same folder name.
    @Test func runsSideBySideAreCalledByWhatTellsThemApart() async throws {
        try await SmallBenchmark.with { small in
            let runs = "\(small.folder)/runs"
            try FileManager.default.copyItem(atPath: "\(runs)/r", toPath: "\(runs)/other")
            for run in ["r", "other"] {
                try await small.successful(["evaluate", "\(runs)/\(run)"])
            }
            let printed = try await small.successful([
                "evaluate", "--compare", "\(runs)/r/s0", "\(runs)/other/s0", "\(runs)/r/s0", "--markdown",
                "\(small.folder)/side.md",
            ])
            for title in ["r/s0, ACC", "other/s0, ACC", "r/s0 (2), ACC"] { #expect(printed.contains(title)) }
            let columns = try small.text("side.md").split(separator: "\n")[1].split(separator: "|")
            #expect(columns.count { $0.contains("other/s0") } == 8)
        }
    }

    @Test func aMeanIsOfSeedsThatDifferInNothingElse() async throws {
        try await SmallBenchmark.with(seeds: 2) { small in
            let run = "\(small.folder)/runs/r"
            let files = FileManager.default
            try files.copyItem(atPath: "\(run)/s0", toPath: "\(run)/s0-backup")
            // A seed whose training was interrupted after the first of two epochs.
            let text = try small.text("runs/r/s1/config.yml")
            let evaluate = ["evaluate", run, "--score", "ebo"]
            let printed = try await small.successful(evaluate)
            #expect(printed.components(separatedBy: "run directory: ").count == 3)
            #expect(!printed.contains("backup") && !printed.contains("unfinished"))
            try text.replacing("seed: 1", with: "seed: 1").replacing(
                "learningRate: 0.1", with: "learningRate: 0.2"
            )
            .write(toFile: "\(run)/s1/config.yml", atomically: true, encoding: .utf8)
            for command in [evaluate, ["evaluate", "--compare", run, "--score", "ebo"]] {
                let refused = try await small.t2fnorm(command)
                #expect(refused.exitCode == 2)
                #expect(
                    refused.standardError.contains(
                        "optimizer.learningRate is 0.2 in \(run)/s1, expected 0.1 as in \(run)/s0"),
                    "\(refused.standardError)")
            }
            for seed in ["s0", "s1"] {
                let own = try small.text("runs/r/\(seed)/config.yml")
                    .replacing("learningRate: 0.2", with: "learningRate: 0.1").replacing(
                        "epochs: 1", with: "epochs: 2")
                try own.write(toFile: "\(run)/\(seed)/config.yml", atomically: true, encoding: .utf8)
            }
            // The log of one seed has both epochs.
            let log = try small.text("runs/r/s0/metrics.jsonl")
            try (log + #"{"epoch":2,"event":"epoch","step":6}"# + "\n").write(
                toFile: "\(run)/s0/metrics.jsonl", atomically: true, encoding: .utf8)
            let half = try await small.successful(evaluate)
            #expect(half.contains("r (1 of 2 seeds unfinished), ACC"))
            #expect(half.contains("note: \(run)/s1 is unfinished after 1 of 2 epochs\n"))
        }
    }

    @Test func theDefaultScoresAreDifferentOnes() async throws {
        try await SmallBenchmark.with { small in
            let run = "\(small.folder)/runs/r/s0"
            let text = try small.text("runs/r/s0/config.yml").replacing(
                "scores: [msp, ebo]", with: "scores: [t2fnorm, msp, mls, ebo]"
            ).replacing("scores:\n  - msp\n", with: "scores:\n  - t2fnorm\n  - msp\n")
            #expect(text.contains("t2fnorm"))
            try text.write(toFile: "\(run)/config.yml", atomically: true, encoding: .utf8)
            try await small.successful(["evaluate", run])
            let tables = try FileManager.default.contentsOfDirectory(atPath: "\(run)/evaluation/test/ood")
            #expect(tables.contains("t2fnorm.csv") && !tables.contains("msp.csv"))
            try await small.successful(["evaluate", run, "--score", "t2fnorm", "msp"])
            #expect(
                try small.text("runs/r/s0/evaluation/test/ood/t2fnorm.csv")
                    == small.text("runs/r/s0/evaluation/test/ood/msp.csv"))
        }
    }

    /// Notes report equal confidences, and settings chosen by a search if published numbers are
    /// shown.
    @Test func whatStandsBelowATableSaysTiesAndSearches() async throws {
        try await SmallBenchmark.with { small in
            let run = "\(small.folder)/runs/r"
            let results = "\(run)/s0/evaluation/drawn/results.json"
            let evaluate = [
                "evaluate", run, "--benchmark", "\(small.folder)/drawn.yml", "--score", "msp", "react",
                "--published", "CE",
            ]
            let plain = try await small.successful(evaluate)
            #expect(
                plain.contains(
                    "published numbers of react use settings searched for on OpenOOD's validation sets; default settings: react of r"
                ))
            let unsearched = try await small.t2fnorm(evaluate + ["--search"])
            #expect(unsearched.exitCode == 2)
            #expect(unsearched.standardError.contains("evaluation.outlierValidation is empty"))
            let searched = try await small.successful(
                evaluate + [
                    "--search", "--set", "evaluation.outlierValidation=\(small.folder)/data/near-shapes",
                ])
            #expect(searched.contains("OpenOOD's validation sets, and so do these runs"))
            #expect(searched.contains("note: react with settings searched for: percentile "))
            var kept = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: results)))
                    as? [String: Any])
            #expect((kept["software"] as? [String: Any])?["commit"] is String)
            var tables = try #require(kept["tables"] as? [[String: Any]])
            #expect(tables.allSatisfy { $0["ties"] != nil })
            for place in tables.indices where tables[place]["score"] as? String == "msp" {
                tables[place]["ties"] = ["value": 1, "count": 61, "total": 100, "distinctCount": 40]
            }
            kept["tables"] = tables
            try JSONSerialization.data(withJSONObject: kept).write(to: URL(filePath: results))
            let compared = try await small.successful([
                "evaluate", "--compare", run, "--benchmark", "drawn", "--score", "msp",
            ])
            #expect(
                compared.contains(
                    "note: msp: 61 % of the confidences are exactly 1, so nothing ranks these images\n"))
            #expect(!compared.contains("react"))
        }
    }

    @Test func theTemperatureOfScoresCanBeLeftOutAndIsSaid() async throws {
        try await SmallBenchmark.with { small in
            let run = "\(small.folder)/runs/r"
            let evaluate = ["evaluate", run, "--score", "mls", "ebo", "--save-scores"]
            func scores() throws -> [Float] {
                try HDF5File(opening: "\(run)/s0/scores/test.h5").read("test/score/mls")
            }
            let divided = try await small.successful(evaluate)
            #expect(divided.contains("note: scores see features divided by the head's temperature, 0.1 "))
            let own = try scores()
            #expect(
                try small.text("runs/r/s0/evaluation/test/results.json").contains("\"temperature\":\"0.1\""))
            try await small.successful(evaluate + ["--set", "evaluation.temperature=training"])
            #expect(try scores() == own)
            let plain = try await small.successful(
                ["evaluate", run, "--score", "mls", "--save-scores", "--set", "evaluation.temperature=none"])
            #expect(plain.contains("note: scores see features as they are, not divided"))
            // The logits' bias is not divided.
            #expect(try zip(scores(), own).allSatisfy { abs($0 - $1 / 10) < 1 && $0 != $1 })
            let results = try small.text("runs/r/s0/evaluation/test/results.json")
            #expect(results.contains("\"temperature\":\"none\""))
            // Tables of another temperature are dropped.
            #expect(!results.contains("\"ebo\""))
        }
    }

    @Test func mixedPrecisionIsComputedWhereAskedAndSaid() async throws {
        try await SmallBenchmark.with { small in
            let run = "\(small.folder)/runs/r"
            let evaluate = ["evaluate", run, "--score", "mls", "--save-scores"]
            func scores() throws -> [Float] {
                try HDF5File(opening: "\(run)/s0/scores/test.h5").read("test/score/mls")
            }
            let said = "note: convolutions are computed in mixed precision (evaluation.precision)\n"
            #expect(!(try await small.successful(evaluate)).contains(said))
            let single = try scores()
            for ranks in 1...2 {
                let printed = try await small.successful(
                    evaluate + ["--set", "evaluation.precision=mixed"], ranks: ranks)
                #expect(printed.components(separatedBy: said).count == 2, "\(printed)")
                let mixed = try scores()
                #expect(mixed != single)
                #expect(zip(mixed, single).allSatisfy { abs($0 - $1) < 1e-2 * abs($1) + 1e-2 })
            }
        }
    }

    @Test func anUnknownBenchmarkIsAnsweredWithTheKnownOnes() async throws {
        let outcome = try await Command(
            Command.product("t2fnorm"), ["evaluate", "runs/x", "--benchmark", "cifar11"],
            workingDirectory: packageRoot
        ).run()
        #expect(outcome.exitCode == 2)
        #expect(
            outcome.standardError.contains(
                "--benchmark is cifar11, expected one of cifar10, cifar100, imagenet1k, imagenet200, or a benchmark's YAML file; did you mean cifar10?"
            ), "\(outcome.standardError)")
    }

    @Test func aScoreThatIsNamedTwiceIsRefused() async throws {
        for scores in [["msp", "msp"], ["knn", "knn:k=50"]] {
            let outcome = try await Command(
                Command.product("t2fnorm"), ["evaluate", "runs/x", "--score"] + scores
            ).run()
            #expect(outcome.exitCode == 2)
            #expect(
                outcome.standardError.contains("--score names a score twice"), "\(outcome.standardError)")
        }
    }

    @Test(arguments: [
        ("kn", "'kn' is invalid for '--score <score>': expected one of msp, t2fnorm", "did you mean knn?"),
        ("react:percentil=9", "expected settings of react: percentile", "did you mean percentile?"),
        ("knn:k=0", "expected k=VALUE", "where the value is a whole number from 1 to 1000000."),
    ])
    func aScoreThatIsNoneIsRefusedWithTheNearest(score: String, message: String, hint: String) async throws {
        for command in [["evaluate", "runs/x"], ["score", "runs/x", "a.png"], ["bench", "scores"]] {
            let outcome = try await Command(
                Command.product("t2fnorm"), command + ["--score", score]
            ).run()
            #expect(outcome.exitCode == 2)
            #expect(
                outcome.standardError.contains(message) && outcome.standardError.contains(hint),
                "\(outcome.standardError)")
        }
    }

    /// Settings beside one another, from the command line and from a configuration.
    @Test func scoresWithSettingsHaveTitlesThatSaySo() async throws {
        try await SmallBenchmark.with { small in
            let evaluate = ["evaluate", "\(small.folder)/runs/r", "--benchmark", "\(small.folder)/drawn.yml"]
            let printed = try await small.successful(
                evaluate + ["--save-scores", "--score", "knn:k=3", "react:percentile=40", "knn:k=7"])
            for title in ["knn:k=3", "react:percentile=40", "knn:k=7"] {
                #expect(printed.contains(title), "\(printed)")
            }
            let file = try HDF5File(opening: "\(small.folder)/runs/r/s0/scores/drawn.h5")
            let near: [Float] = try file.read("textures/score/knn:k=3")
            let far: [Float] = try file.read("textures/score/knn:k=7")
            #expect(zip(near, far).allSatisfy { $0 >= $1 } && near != far)
            let table = "runs/r/s0/evaluation/drawn/ood/knn:k=7.csv"
            let first = try small.text(table)
            try await small.successful(
                evaluate + ["--set", "evaluation.scores=[msp, {knn: {k: 7}}]"], ranks: 2)
            #expect(try small.text(table) == first)
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
