import Datasets
import Detection
import Files
import Foundation
import Metrics

/// The tables of one model on one benchmark as `results.json` keeps them: with all digits, so that runs can be summed up and set side by
/// side without scoring again.
struct KeptEvaluation: Codable, Equatable {
    /// One score's table of one task.
    struct ScoreTable: Codable, Equatable {
        var task: String
        var score: String
        /// Rows by OpenOOD's names.
        var rows: [String]
        /// Percent, shape `[rows, MetricColumn.allCases]`; `null` in rows of missing sets.
        var values: [[Double?]]

        /// Whether there is a value for each row and column, if only `null`.
        var isWhole: Bool {
            rows.count == values.count && values.allSatisfy { $0.count == MetricColumn.allCases.count }
        }

        var result: BenchmarkResult {
            BenchmarkResult(rows: rows.map(BenchmarkRow.init(name:)), values: values)
        }
    }

    var benchmark: String
    /// The model's file below the run's folder.
    var checkpoint: String
    /// Hash of the weights, the preprocessing and each set's records, by its name.
    var weights: String
    var preprocessing: String
    var datasets: [String: String]
    /// What is missing or other than the benchmark says, and that there is no accuracy if so.
    var remarks: [String]
    var tables: [ScoreTable]

    init(
        _ evaluation: Evaluation, _ opened: OpenedBenchmark, checkpoint: String, weights: String,
        preprocessing: String
    ) {
        benchmark = opened.name
        self.checkpoint = checkpoint
        self.weights = weights
        self.preprocessing = preprocessing
        datasets = Dictionary(
            opened.datasets.map { ($0.name, $0.set.fingerprint) }, uniquingKeysWith: { first, _ in first })
        remarks =
            opened.remarks
            + (evaluation.accuracy == nil
                ? ["there is no accuracy, as the network has a projection head in the place of a classifier"]
                : [])
        tables = opened.benchmark.tasks.flatMap { task in
            evaluation.results(of: task).map { score, result in
                ScoreTable(
                    task: task.rawValue, score: score.rawValue, rows: result.rows.map(\.name),
                    values: result.values)
            }
        }
    }

    /// The tables, and those of other scores that `earlier` has of the same model on the same images.
    func merged(with earlier: KeptEvaluation?) -> KeptEvaluation {
        guard let earlier, earlier.benchmark == benchmark, earlier.weights == weights,
            earlier.preprocessing == preprocessing, earlier.datasets == datasets
        else { return self }
        var result = self
        result.tables += earlier.tables.filter { old in
            !tables.contains { $0.task == old.task && $0.score == old.score }
        }
        return result
    }

    static func path(run: String, benchmark: String) -> String {
        "\(run)/evaluation/\(benchmark)/results.json"
    }

    /// What a run keeps of a benchmark; `nil` if it has not been evaluated on it, or by an earlier version.
    init?(run: String, benchmark: String) {
        guard let data = FileManager.default.contents(atPath: Self.path(run: run, benchmark: benchmark)),
            let kept = try? JSONDecoder().decode(KeptEvaluation.self, from: data),
            kept.tables.allSatisfy(\.isWhole)
        else { return nil }
        self = kept
    }

    func write(run: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeFile(
            String(decoding: try encoder.encode(self), as: UTF8.self) + "\n",
            to: Self.path(run: run, benchmark: benchmark))
    }
}
