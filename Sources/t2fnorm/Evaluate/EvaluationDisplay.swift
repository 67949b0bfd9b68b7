import Datasets
import Detection
import Foundation
import Reporting

/// Shows an evaluation on standard output: its progress, then the tables.
final class EvaluationDisplay {
    private var progress = ProgressLine(isLog: true)
    private var total = 1
    private var doneInSets: [String: Int] = [:]
    private var start = ContinuousClock.now
    private var worldSize = 1
    private var threads = ""

    /// Says how many threads ranks have, unless it has been said.
    func show(threads: String) {
        if threads != self.threads { progress.printLine("threads: \(threads)") }
        self.threads = threads
    }

    /// - Parameter fitting: The sets that scores are fitted on.
    func start(run: String, benchmark: Benchmark, fitting: [NamedSet], worldSize: Int) {
        let sets = fitting + benchmark.sets
        total = sets.reduce(0) { $0 + $1.source.count }
        doneInSets = [:]
        start = .now
        self.worldSize = worldSize
        progress.printLine("\(run): \(total) images in \(sets.count) sets")
    }

    /// Says which scores take more of the network than the one pass that all share.
    func announceCost(of scores: [ScoreName]) {
        for score in scores {
            if let cost = score.networkCost { progress.printLine("note: \(score.rawValue) takes \(cost)") }
        }
    }

    /// Says what was chosen for scores with settings.
    func show(_ choices: [ScoreChoice]) {
        for choice in choices {
            progress.printLine(
                """
                \(choice.score.rawValue): \(choice) (AUROC \(decimal(100 * choice.areaUnderROC, 2)) on the validation sets)
                """)
        }
    }

    /// - Parameter done: Records of the set that this rank has scored; the others are about as far.
    func progress(set: String, done: Int) {
        doneInSets[set] = done
        let done = min(doneInSets.values.reduce(0, +) * worldSize, total)
        let rate = Double(done) / max((ContinuousClock.now - start).inSeconds, 1e-9)
        let rest = Double(total - done) / rate
        progress.update(
            fraction: Double(done) / Double(total), remaining: rest,
            ["scoring \(set)", "\(decimal(rate, 0)) img/s"])
    }

    /// A table of one run.
    func show(_ table: Table, title: String) {
        progress.printResult("")
        progress.printResult(title)
        progress.printTable(table)
    }

    /// Ends the evaluation: the tables, what is to remark, and where the runs are.
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
