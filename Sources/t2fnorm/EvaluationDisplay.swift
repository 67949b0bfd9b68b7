import Datasets
import Detection
import Foundation
import Reporting

/// Shows an evaluation on standard output: its progress, then the tables.
final class EvaluationDisplay {
    private var progress = ProgressLine()
    private var total = 1
    private var doneInSets: [String: Int] = [:]
    private var start = ContinuousClock.now
    private var worldSize = 1

    /// - Parameter fitting: The sets that scores are fitted on.
    func start(run: String, benchmark: Benchmark, fitting: [NamedSet], worldSize: Int) {
        let sets = fitting + [benchmark.inDistribution] + benchmark.near + benchmark.far
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
            let settings = choice.settings.map(\.description).joined(separator: ", ")
            progress.printLine(
                """
                \(choice.score.rawValue): \(settings), the best of \(choice.triedCount) (AUROC \
                \(decimal(100 * choice.areaUnderROC, 2)) on the validation sets)
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
            fraction: Double(done) / Double(total),
            "scoring \(set)  \(decimal(rate, 0)) img/s  ETA \(duration(rest))")
    }

    /// Ends the evaluation: the table, and where the runs are.
    func show(_ contenders: [Table.Contender], runs: [String]) {
        guard !contenders.isEmpty else { return }
        progress.printLine("")
        progress.printLine(Table(comparing: contenders).console(styled: progress.isTerminal))
        for run in runs { progress.printLine("run directory: \(run)") }
    }
}
