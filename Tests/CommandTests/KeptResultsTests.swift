import Foundation
import TestSupport
import Testing

/// Results stored beside a model are reused only for the same model and preprocessing; otherwise
/// they are computed again.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct KeptResultsTests {
    /// Replaces the model's file by that of another seed.
    private func takeOtherWeights(_ small: SmallBenchmark) throws {
        let best = "\(small.folder)/runs/r/s0/checkpoints/best.h5"
        try FileManager.default.removeItem(atPath: best)
        try FileManager.default.copyItem(
            atPath: "\(small.folder)/runs/r/s1/checkpoints/best.h5", toPath: best)
    }

    private func removeThresholds(_ small: SmallBenchmark) throws {
        try FileManager.default.removeItem(
            atPath: "\(small.folder)/runs/r/s0/checkpoints/best.thresholds.json")
    }

    /// The decisions and the printed threshold.
    private func decisions(_ small: SmallBenchmark, _ more: [String]) async throws -> String {
        let outcome = try await small.t2fnorm(
            ["score", "\(small.folder)/runs/r/s0", "\(small.folder)/images"] + more)
        try #require(outcome.exitCode == 0, "\(outcome.standardError)")
        let reported = outcome.standardError.split(separator: "\n").filter {
            $0.contains("note: 'in' means ")
        }
        try #require(reported.count == 1, "\(outcome.standardError)")
        return outcome.standardOutput + reported[0]
    }

    @Test func thresholdsOfOtherWeightsImagesOrSetsAreMadeAnew() async throws {
        try await SmallBenchmark.with(seeds: 2) { small in
            let test = "\(small.folder)/data/test"
            let first = try await decisions(small, ["--score", "ebo"])
            #expect(try await decisions(small, ["--score", "ebo"]) == first)
            for (more, score) in [
                (["--set", "data.transform.mean=[0.2, 0.3, 0.4]"], "ebo"), (["--validation", test], "ebo"),
                (["--set", "data.train=\(test)"], "knn"),
            ] {
                _ = try await decisions(small, ["--score", score])
                let changed = try await decisions(small, ["--score", score] + more)
                try removeThresholds(small)
                #expect(try await decisions(small, ["--score", score] + more) == changed, "\(more)")
                try removeThresholds(small)
                #expect(try await decisions(small, ["--score", score]) != changed, "\(more)")
            }
            _ = try await decisions(small, ["--score", "ebo"])
            try takeOtherWeights(small)
            let other = try await decisions(small, ["--score", "ebo"])
            try removeThresholds(small)
            #expect(try await decisions(small, ["--score", "ebo"]) == other)
            #expect(other != first)
        }
    }

    /// A threshold of one setting never serves another.
    @Test func thresholdsOfOtherSettingsAreKeptApart() async throws {
        try await SmallBenchmark.with { small in
            let plain = try await decisions(small, ["--score", "knn"])
            let near = try await decisions(small, ["--score", "knn:k=3"])
            #expect(near != plain && near.contains("'in' means knn:k=3 of "))
            #expect(try await decisions(small, ["--score", "knn:k=50"]) == plain)
            #expect(try await decisions(small, ["--score", "knn:k=3"]) == near)
        }
    }

    private struct Kept: Decodable {
        struct Table: Decodable { var score: String }
        var tables: [Table]
    }

    /// Evaluates a score and returns the scores with tables in `results.json`.
    private func evaluate(
        _ small: SmallBenchmark, _ score: String, _ more: [String] = []
    ) async throws -> Set<String> {
        try await small.successful(
            [
                "evaluate", "\(small.folder)/runs/r/s0", "--benchmark", "\(small.folder)/drawn.yml",
                "--score", score,
            ] + more)
        let text = try small.text("runs/r/s0/evaluation/drawn/results.json")
        return Set(try JSONDecoder().decode(Kept.self, from: Data(text.utf8)).tables.map(\.score))
    }

    @Test func tablesOfOtherSettingsStandBesideEachOther() async throws {
        try await SmallBenchmark.with { small in
            #expect(try await evaluate(small, "knn:k=3") == ["knn:k=3"])
            let file = "runs/r/s0/evaluation/drawn/ood/knn:k=3.csv"
            let first = try small.text(file)
            #expect(try await evaluate(small, "knn") == ["knn:k=3", "knn"])
            #expect(try small.text(file) == first)
            #expect(try small.text("runs/r/s0/evaluation/drawn/ood/knn.csv") != first)
            let table = try small.text("runs/r/s0/evaluation/drawn/table.md")
            #expect(table.contains("## ood, knn:k=3\n") && table.contains("## ood, knn\n"))
        }
    }

    @Test func tablesOfOtherWeightsImagesOrSetsAreDropped() async throws {
        try await SmallBenchmark.with(seeds: 2) { small in
            #expect(try await evaluate(small, "msp") == ["msp"])
            #expect(try await evaluate(small, "ebo") == ["msp", "ebo"])
            let read = ["--set", "data.transform.mean=[0.2, 0.3, 0.4]"]
            #expect(try await evaluate(small, "msp", read) == ["msp"])
            #expect(try await evaluate(small, "ebo", read) == ["msp", "ebo"])
            try takeOtherWeights(small)
            #expect(try await evaluate(small, "msp", read) == ["msp"])
            #expect(try await evaluate(small, "ebo", read) == ["msp", "ebo"])
            let definition = small.definition.replacing("folder: far-textures", with: "folder: shifted")
            #expect(definition != small.definition)
            try definition.write(toFile: "\(small.folder)/drawn.yml", atomically: true, encoding: .utf8)
            #expect(try await evaluate(small, "msp", read) == ["msp"])
        }
    }
}
