import Datasets
import Detection
import Evaluation
import Foundation
import Numerics
import Reporting

/// Progress of scoring images, on standard error, since the results may go to standard output.
final class ScoringProgress: ImageScoring.Observer {
    private var line = ProgressLine(on: .standardError)
    private var total = 1
    private var doneInSets: [String: Int] = [:]
    private var start = ContinuousClock.now
    private let worldSize: Int

    init(worldSize: Int) { self.worldSize = worldSize }

    func start(_ sets: [NamedSet]) {
        total = max(sets.reduce(0) { $0 + $1.source.count }, 1)
        start = .now
    }

    /// - Parameter done: Records of the set that this rank has scored; the other ranks are assumed
    ///   to have scored as many.
    func update(set: String, done: Int) {
        doneInSets[set] = done
        let done = min(doneInSets.values.reduce(0, +) * worldSize, total)
        let rate = Double(done) / max((ContinuousClock.now - start).inSeconds, 1e-9)
        line.update(
            fraction: Double(done) / Double(total), remaining: Double(total - done) / rate,
            ["scoring \(set)", "\(decimal(rate, 0)) img/s"])
    }

    func clear() { line.clear() }
}
