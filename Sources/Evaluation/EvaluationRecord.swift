internal import Datasets
package import Detection
package import Files
internal import Foundation
package import Metrics
package import RunConfiguration
package import Software
internal import Training

/// The tables of one model on one benchmark, stored in `results.json` with all digits, so that runs
/// can be summarised and compared without scoring again.
package struct EvaluationRecord: Codable, Equatable {
    /// One score's table of one task.
    package struct ScoreTable: Codable, Equatable {
        package var task: String
        package var score: String
        /// Row names as in OpenOOD.
        package var rows: [String]
        /// Percent, shape `[rows, MetricColumn.allCases]`; `null` in rows of missing sets.
        package var values: [[Double?]]
        /// Settings that the confidences depend on, as `ScoreOptions` describes them; absent if
        /// they are those of the first version.
        package var settings: String?
        /// The settings that a search has chosen, in words; absent without a search.
        package var search: String?
        /// Equal confidences, which the score does not rank; absent in files of earlier versions.
        package var ties: Ties?

        /// Whether each row and column has a value, which may be `null`.
        package var isWhole: Bool {
            rows.count == values.count && values.allSatisfy { $0.count == MetricColumn.allCases.count }
        }

        package var result: BenchmarkResult {
            BenchmarkResult(rows: rows.map(BenchmarkRow.init(name:)), values: values)
        }
    }

    package var benchmark: String
    /// The model's file below the run's folder.
    package var checkpoint: String
    /// Hash of the weights.
    package var weights: String
    /// Hash of the preprocessing.
    package var preprocessing: String
    /// Hash of each set's records, by the set's name.
    package var datasets: [String: String]
    /// Sets that are missing or differ from the benchmark's definition; also a missing accuracy.
    package var remarks: [String]
    /// The temperature that scores divide features by, or `none`; absent for a network without a
    /// temperature.
    package var temperature: String?
    /// The fingerprint of the training set, if known.
    package var training: String?
    /// The progress of an unfinished run, in words.
    package var unfinished: String?
    /// The software that wrote the file; absent in files of earlier versions.
    package var software: SoftwareRecord?
    package var tables: [ScoreTable]

    package init(
        _ evaluation: Evaluation, _ opened: OpenedBenchmark, checkpoint: String, model: LoadedModel,
        _ configuration: RunConfiguration
    ) {
        benchmark = opened.name
        self.checkpoint = checkpoint
        weights = model.weightsHash
        software = .current
        preprocessing = configuration.preprocessingHash
        temperature = configuration.scoringTemperature
        training = model.trainingFingerprint.isEmpty ? nil : model.trainingFingerprint
        datasets = Dictionary(
            opened.datasets.map { ($0.name, $0.set.fingerprint) }, uniquingKeysWith: { first, _ in first })
        remarks =
            opened.remarks
            + (evaluation.accuracy == nil
                ? ["there is no accuracy, as the network has a projection head instead of a classifier"]
                : [])
        tables = opened.benchmark.tasks.flatMap { task in
            evaluation.results(of: task).enumerated().map { index, entry in
                ScoreTable(
                    task: task.rawValue, score: entry.score.title, rows: entry.result.rows.map(\.name),
                    values: entry.result.values, settings: configuration.scoreDescription(of: entry.score),
                    search: evaluation.choices.first { $0.score == entry.score }?.description,
                    ties: opened.benchmark.ties(at: index, task: task, evaluation.sets))
            }
        }
    }

    /// Adds the tables of other scores from `earlier` that are of the same model, images and
    /// settings.
    package func merged(with earlier: EvaluationRecord?, _ configuration: RunConfiguration)
        -> EvaluationRecord
    {
        guard let earlier, earlier.benchmark == benchmark, earlier.weights == weights,
            earlier.preprocessing == preprocessing, earlier.datasets == datasets
        else { return self }
        var result = self
        result.tables += earlier.tables.filter { old in
            !tables.contains { $0.task == old.task && $0.score == old.score }
                && old.settings
                    == (try? ScoreCatalogue.standard.score(old.score)).flatMap(configuration.scoreDescription)
        }
        return result
    }

    package static func path(run: String, benchmark: String) -> String {
        "\(run)/evaluation/\(benchmark)/results.json"
    }

    /// Reads a run's record on a benchmark; `nil` if there is none, or it is of an earlier version.
    ///
    /// - Throws: If the file cannot be read, since it would otherwise be overwritten.
    package init?(run: String, benchmark: String) throws(FileError) {
        guard let bytes = try contents(of: Self.path(run: run, benchmark: benchmark)),
            let kept = try? JSONDecoder().decode(EvaluationRecord.self, from: Data(bytes)),
            kept.tables.allSatisfy(\.isWhole)
        else { return nil }
        self = kept
    }

    package func write(run: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeFile(
            String(decoding: try encoder.encode(self), as: UTF8.self) + "\n",
            to: Self.path(run: run, benchmark: benchmark))
    }
}
