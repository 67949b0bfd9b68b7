internal import Checkpoints
package import Detection
package import Reporting
package import RunConfiguration

extension EvaluatedRun {
    /// The records of the runs' earlier evaluations, all of one benchmark.
    ///
    /// - Parameters:
    ///   - folders: The runs' folders.
    ///   - benchmark: The benchmark's name; `nil` if each run has been evaluated on one alone.
    ///   - scores: The scores that the records must have.
    ///   - notice: Receives settings with names of an earlier version.
    package static func kept(
        in folders: [String], benchmark: String?, scores: [ScoreDefinition], notice: (RenamedSettings) -> Void
    ) throws -> [EvaluatedRun] {
        var kept: [EvaluatedRun] = []
        for folder in folders {
            let own = try EvaluatedRun(keptIn: folder, benchmark: benchmark)
            try own.checkSeeds(notice: notice)
            try own.check(scores: scores)
            if let first = kept.first, first.benchmark != own.benchmark {
                throw CheckpointError(
                    path: folder,
                    reason:
                        "was evaluated on \(own.benchmark), \(first.folder) on \(first.benchmark); name one with --benchmark"
                )
            }
            kept.append(own)
        }
        return kept
    }

    /// The columns of a task's table: those of each run, then published ones.
    ///
    /// - Parameters:
    ///   - scores: The scores to show; empty for all of the runs.
    ///   - published: The training methods whose published numbers are added.
    package static func contenders(
        _ task: Benchmark.Task, of runs: [EvaluatedRun], scores: [ScoreDefinition], published: [String],
        _ definition: BenchmarkDefinition?
    ) -> [Table.Contender] {
        let own = zip(runs, titles(of: runs.map(\.folder))).enumerated().flatMap { index, run in
            run.0.contenders(task, title: run.1, scores: scores).map { contender in
                var contender = contender
                contender.group = "\(index)"
                return contender
            }
        }
        guard !own.isEmpty else { return [] }
        return own
            + (definition?.contenders(task, trainings: published, scores: own.map(\.score)) ?? [])
    }
}
