package import Detection
internal import Files
internal import Foundation
internal import Metrics
package import Reporting
package import RunConfiguration
package import Training
package import Workers

/// The files of an evaluation of one seed; rank 0 writes them.
package struct EvaluationFiles {
    package let directory: RunDirectory
    package let opened: OpenedBenchmark
    package let evaluation: Evaluation
    package let kept: EvaluationRecord
    package let configuration: RunConfiguration

    /// The record of an earlier evaluation.
    package var earlier: EvaluationRecord? {
        get throws { try EvaluationRecord(run: directory.path, benchmark: kept.benchmark) }
    }

    private var folder: String { directory.evaluationPath(benchmark: kept.benchmark) }

    /// Writes OpenOOD's tables, `results.json` and `table.md`.
    ///
    /// - Returns: The content of `results.json`, including tables of earlier evaluations of the
    ///   same model on the same images.
    package func write() throws -> EvaluationRecord {
        for task in opened.benchmark.tasks {
            for (score, result) in evaluation.results(of: task) {
                try writeFile(
                    Table(BenchmarkSummary([result])).csv, to: path(of: task, "\(score.title).csv"))
            }
        }
        if !evaluation.choices.isEmpty { try writeFile(searchLog, to: path(of: .standard, "search.csv")) }
        let merged = kept.merged(with: try earlier, configuration)
        try merged.write(run: directory.path)
        let run = EvaluatedRun(folder: directory.path, seedFolders: [directory.path], seeds: [merged])
        try writeFile(run.markdown, to: "\(folder)/table.md")
        return merged
    }

    /// One line per score: its name, the settings chosen, the AUROC on the validation sets and the
    /// number of settings tried.
    private var searchLog: String {
        let lines = evaluation.choices.map { choice in
            let settings = choice.settings.map(\.description).joined(separator: "; ")
            return "\(choice.score.title),\(settings),\(choice.areaUnderROC),\(choice.triedCount)\n"
        }
        return "score,settings,auroc,tried\n" + lines.joined()
    }

    /// Writes every sample's scores.
    package func writeScores() throws {
        let folder = "\(directory.path)/scores"
        try createFolder(folder)
        try ScoreFile(
            opened: opened, sets: evaluation.sets, scores: evaluation.results.map(\.score), kept: kept
        ).write(to: "\(folder)/\(kept.benchmark).h5")
    }

    package func writeDiagnostics(_ table: Table) throws {
        try writeFile(table.csv, to: "\(folder)/diagnostics.csv")
    }

    /// Writes the bootstrap intervals of all scores and tasks and returns them with their titles.
    package func writeIntervals(_ bootstrap: Bootstrap, on pool: WorkerPool) throws -> [(
        title: String, table: Table
    )] {
        try opened.benchmark.tasks.flatMap { task in
            try evaluation.results(of: task).enumerated().map { index, result in
                let (rows, intervals) = bootstrap.intervals(
                    opened.benchmark, evaluation.sets, at: index, task: task, on: pool)
                let table = Table(rows: rows, intervals: intervals)
                try writeFile(table.csv, to: path(of: task, "\(result.score.title).intervals.csv"))
                return ("\(result.score.title), \(task.rawValue)", table)
            }
        }
    }

    private func path(of task: Benchmark.Task, _ file: String) -> String {
        "\(folder)/\(task.rawValue)/\(file)"
    }
}
