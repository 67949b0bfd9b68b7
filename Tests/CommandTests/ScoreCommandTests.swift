import Datasets
import Foundation
import TestSupport
import Testing

/// Decisions on images, by the command line.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct ScoreCommandTests {
    private struct Line: Decodable, Equatable {
        var path: String
        var `class`: String?
        var confidence: Double?
        var score: Double?
        var decision: String
        var error: String?
    }

    private func lines(_ text: String) throws -> [Line] {
        try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    @Test func theShareOfTheValidationSetThatIsInIsTheRate() async throws {
        try await SmallBenchmark.with { small in
            let score = [
                "score", "\(small.folder)/runs/r", "\(small.folder)/data/validation", "--format", "jsonl",
            ]
            for (rate, count) in [("0.95", 48), ("0.5", 25)] {
                let own = try lines(try await small.successful(score + ["--score", "ebo", "--tpr", rate]))
                #expect(own.count == 50)
                // Ties at the threshold are all accepted.
                #expect(own.count { $0.decision == "in" } == count)
            }
            let side = try small.text("runs/r/s0/checkpoints/best.thresholds.json")
            #expect(side.contains("\"ebo\"") && side.contains("\"weights\""))
            let line = try #require(try lines(try await small.successful(score)).first)
            #expect(line.path == "\(small.folder)/data/validation#0")
            #expect(line.class.map { Double($0) == nil } == true)
            #expect((0.1...1).contains(try #require(line.confidence)))
        }
    }

    /// Files, a folder and a packed set; without the validation set, the threshold comes from the
    /// side file.
    @Test func everyWorldSaysTheSameOfFilesFoldersAndPackedSets() async throws {
        try await SmallBenchmark.with { small in
            let folder = small.folder
            let inputs = [
                "\(folder)/images/004.png", "\(folder)/images", "\(folder)/data/far-textures",
                "\(folder)/images/001.png",
            ]
            var first: String?
            for ranks in [1, 2, 4] {
                // Or the threshold of one rank would serve all.
                for name in ["out.csv", "runs/r/s0/checkpoints/best.thresholds.json"] {
                    try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
                }
                try await small.successful(
                    ["score", "\(folder)/runs/r/s0"] + inputs + [
                        "--score", "knn", "--output", "\(folder)/out.csv",
                    ],
                    ranks: ranks)
                let text = try small.text("out.csv")
                if let first { #expect(text == first, "\(ranks) ranks") }
                first = first ?? text
            }
            let rows = try #require(first).split(separator: "\n").map { $0.split(separator: ",") }
            #expect(rows[0].joined(separator: ",") == "path,class,confidence,score,decision")
            // The header, a file, a folder, a packed set and a file.
            #expect(rows.count == 61)
            #expect(rows[1][0] == "\(folder)/images/004.png")
            // The same image has the same score from any input, up to rounding, which depends on
            // the microbatch.
            let values = [rows[1], rows[6], rows[35]].compactMap { Double($0[3]) }
            #expect(values.count == 3)
            #expect(values.allSatisfy { abs($0 - values[0]) < 1e-4 * abs(values[0]) })

            try FileManager.default.removeItem(atPath: "\(folder)/data/validation")
            try await small.successful(["score", "\(folder)/runs/r/s0", inputs[0], "--score", "knn"])
            let other = try await small.t2fnorm(["score", "\(folder)/runs/r/s0", inputs[0], "--score", "ebo"])
            #expect(other.exitCode == 3)
            #expect(other.standardError.contains("validation"))
        }
    }

    @Test func aBadImageStopsOrIsSkippedWithAReport() async throws {
        try await SmallBenchmark.with { small in
            let folder = small.folder
            // One image of each rank.
            let bad = ["003", "025"].map { "\(folder)/images/\($0).png" }
            for path in bad { try Data("no image".utf8).write(to: URL(filePath: path)) }
            let score = ["score", "\(folder)/runs/r/s0", "\(folder)/images", "--format", "jsonl"]
            let stopped = try await small.t2fnorm(score, ranks: 2)
            #expect(stopped.exitCode == 3)
            #expect(stopped.standardError.components(separatedBy: "images/003.png").count == 2)
            let skipped = try await small.t2fnorm(score + ["--on-bad", "skip"], ranks: 2)
            #expect(skipped.exitCode == 0, "\(skipped.standardError)")
            #expect(skipped.standardError.contains("2 of 29 images could not be read"))
            let lines = try lines(skipped.standardOutput)
            #expect(lines.count == 29)
            #expect(lines.filter { $0.decision == "unreadable" }.map(\.path) == bad)
            #expect(lines[3].error != nil && lines[3].score == nil)
            let missing = try await small.t2fnorm(["score", "\(folder)/runs/r/s0", "\(folder)/nothing.jpg"])
            #expect(missing.exitCode == 3)
            #expect(missing.standardError.contains("nothing.jpg"))
        }
    }

    /// On another host the side file may be older, or not visible yet.
    @Test func theThresholdIsRank0sWhateverOtherRanksFind() async throws {
        try await SmallBenchmark.with { small in
            let runs = "\(small.folder)/runs"
            try FileManager.default.copyItem(atPath: "\(runs)/r", toPath: "\(runs)/elsewhere")
            let score = { (run: String) in
                ["score", "\(runs)/\(run)/s0", "\(small.folder)/images", "--score", "ebo"]
            }
            let alone = try await small.successful(score("r"))
            for (first, second) in [("r", "elsewhere"), ("elsewhere", "r")] {
                let together = try await Command.mpirun(
                    ranks: 1, "t2fnorm",
                    score(first) + [":", "-n", "1", Command.product("t2fnorm").path] + score(second),
                    timeLimit: .seconds(120)
                ).run()
                #expect(together.exitCode == 0, "\(together.standardError)")
                #expect(together.standardOutput == alone)
                try? FileManager.default.removeItem(
                    atPath: "\(runs)/elsewhere/s0/checkpoints/best.thresholds.json")
            }
        }
    }

    @Test func aRunOfSeveralSeedsMustBeOneOfThem() async throws {
        try await SmallBenchmark.with(seeds: 2) { small in
            let outcome = try await small.t2fnorm([
                "score", "\(small.folder)/runs/r", "\(small.folder)/images",
            ])
            #expect(outcome.exitCode == 5)
            #expect(outcome.standardError.contains("holds 2 seeds; name one of them"))
        }
    }
}
