import Datasets
import Detection
import Files
import Foundation
import Metrics
import RunConfiguration
import Training

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
        /// What the confidences depend on beside weights and images, as `ScoreOptions` describes it; absent where that has been so from the
        /// first version on.
        var settings: String?
        /// The settings that a search has chosen, in words; absent without a search.
        var search: String?
        /// How far the score ranks the images at all; absent in files of earlier versions.
        var ties: Ties?

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
    /// What scores see features divided by, or `none`; absent of a network without a temperature.
    var temperature: String?
    /// The fingerprint of the training set, where it is known.
    var training: String?
    /// How far a run has come that is not done.
    var unfinished: String?
    var tables: [ScoreTable]

    init(
        _ evaluation: Evaluation, _ opened: OpenedBenchmark, checkpoint: String, model: LoadedModel,
        _ configuration: RunConfiguration
    ) {
        benchmark = opened.name
        self.checkpoint = checkpoint
        weights = model.weightsHash
        preprocessing = configuration.preprocessingHash
        temperature = configuration.scoringTemperature
        training = model.trainingFingerprint.isEmpty ? nil : model.trainingFingerprint
        datasets = Dictionary(
            opened.datasets.map { ($0.name, $0.set.fingerprint) }, uniquingKeysWith: { first, _ in first })
        remarks =
            opened.remarks
            + (evaluation.accuracy == nil
                ? ["there is no accuracy, as the network has a projection head in the place of a classifier"]
                : [])
        tables = opened.benchmark.tasks.flatMap { task in
            evaluation.results(of: task).enumerated().map { index, entry in
                ScoreTable(
                    task: task.rawValue, score: entry.score.rawValue, rows: entry.result.rows.map(\.name),
                    values: entry.result.values, settings: configuration.scoreDescription(of: entry.score),
                    search: evaluation.choices.first { $0.score == entry.score }?.description,
                    ties: opened.benchmark.ties(at: index, task: task, evaluation.sets))
            }
        }
    }

    /// The tables, and those of other scores that `earlier` has of the same model on the same images, made as they would be now.
    func merged(with earlier: KeptEvaluation?, _ configuration: RunConfiguration) -> KeptEvaluation {
        guard let earlier, earlier.benchmark == benchmark, earlier.weights == weights,
            earlier.preprocessing == preprocessing, earlier.datasets == datasets
        else { return self }
        var result = self
        result.tables += earlier.tables.filter { old in
            !tables.contains { $0.task == old.task && $0.score == old.score }
                && old.settings == ScoreName(rawValue: old.score).flatMap(configuration.scoreDescription)
        }
        return result
    }

    static func path(run: String, benchmark: String) -> String {
        "\(run)/evaluation/\(benchmark)/results.json"
    }

    /// What a run keeps of a benchmark; `nil` if it has not been evaluated on it, or by an earlier version.
    ///
    /// - Throws: If the file cannot be read: what cannot be seen would be written over.
    init?(run: String, benchmark: String) throws(FileError) {
        guard let bytes = try contents(of: Self.path(run: run, benchmark: benchmark)),
            let kept = try? JSONDecoder().decode(KeptEvaluation.self, from: Data(bytes)),
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
