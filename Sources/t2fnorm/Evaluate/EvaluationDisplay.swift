import Datasets
import Detection
import Evaluation
import Foundation
import Numerics
import Reporting

/// Shows an evaluation on standard output: its progress, then the tables.
final class EvaluationDisplay: EvaluationObserver {
    private var progress = ProgressLine(isLog: true)
    private var total = 1
    private var doneInSets: [String: Int] = [:]
    private var start = ContinuousClock.now
    private var worldSize = 1
    private var threads = ""

    /// Prints the number of threads of the ranks, unless it is the same as last printed.
    func show(threads: String) {
        if threads != self.threads { progress.printLine("threads: \(threads)") }
        self.threads = threads
    }

    /// - Parameter fitting: The sets on which scores are fitted.
    func start(run: String, benchmark: Benchmark, fitting: [NamedSet], worldSize: Int) {
        let sets = fitting + benchmark.sets
        total = sets.reduce(0) { $0 + $1.source.count }
        doneInSets = [:]
        start = .now
        self.worldSize = worldSize
        progress.printLine("\(run): \(total) images in \(sets.count) sets")
    }

    /// Prints which scores need more than the one forward pass that all scores share.
    func announceCost(of scores: [ScoreDefinition]) {
        for score in scores {
            if let cost = score.networkCost { progress.printLine("note: \(score.title) takes \(cost)") }
        }
    }

    /// Prints the settings chosen by the search.
    func show(_ choices: [ScoreChoice]) {
        for choice in choices {
            progress.printLine(
                """
                \(choice.score.title): \(choice) (AUROC \(decimal(100 * choice.areaUnderROC, 2)) on the validation sets)
                """)
        }
    }

    /// - Parameter done: Records of the set that this rank has scored; the other ranks are assumed
    ///   to have scored as many.
    func progress(set: String, done: Int) {
        doneInSets[set] = done
        let done = min(doneInSets.values.reduce(0, +) * worldSize, total)
        let rate = Double(done) / max((ContinuousClock.now - start).inSeconds, 1e-9)
        let rest = Double(total - done) / rate
        progress.update(
            fraction: Double(done) / Double(total), remaining: rest,
            ["scoring \(set)", "\(decimal(rate, 0)) img/s"])
    }

    /// Prints a table of one run.
    func show(_ table: Table, title: String) {
        progress.printResult("")
        progress.printResult(title)
        progress.printTable(table)
    }

    /// Prints the tables, the remarks, and the run directories at the end of the evaluation.
    func show(
        _ tables: [(Benchmark.Task, [Table.Contender])], remarks: [String], of runs: [EvaluatedRun]
    ) {
        let shown = tables.filter { !$0.1.isEmpty }
        for (task, contenders) in shown {
            progress.printResult("")
            if shown.count > 1 { progress.printResult("\(task.rawValue):") }
            progress.printTable(Table(comparing: contenders))
        }
        for remark in remarks { progress.printResult("note: \(remark)") }
        for folder in runs.flatMap(\.seedFolders) { progress.printResult("run directory: \(folder)") }
    }
}
