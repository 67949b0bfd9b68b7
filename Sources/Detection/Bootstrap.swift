package import Metrics
internal import Numerics
package import Workers

/// Percentile bootstrap intervals of a table's cells: how far the cells would move if other images
/// had been drawn from the same sets.
///
/// Each set is resampled with replacement to its own size (stratified). All rows of a replicate
/// share the in-distribution draw, so the intervals of mean rows include the correlation between
/// their sets. The drawn images are a function of (seed, replicate, set). Efron, Tibshirani: "An
/// introduction to the bootstrap", 1993, chapter 13.
package struct Bootstrap: Sendable {
    /// The number of bootstrap replicates.
    package var replicates: Int
    package var seed: UInt64
    /// The confidence level: the fraction of replicates inside an interval.
    package var level: Double

    package init(replicates: Int, seed: UInt64 = 0, level: Double = 0.95) {
        precondition(replicates >= 1 && level > 0 && level < 1, "\(replicates) replicates, level \(level)")
        self.replicates = replicates
        self.seed = seed
        self.level = level
    }

    /// A table's intervals, in percent, shape `[rows, MetricColumn.allCases]`; `nil` in the rows of
    /// missing sets.
    ///
    /// - Parameters:
    ///   - sets: The benchmark's scored sets, in its order.
    ///   - index: The score's index in the confidences, which are all finite.
    package func intervals(
        _ benchmark: Benchmark, _ sets: [ScoredSet], at index: Int, task: Benchmark.Task, on pool: WorkerPool
    ) -> (rows: [BenchmarkRow], values: [[ClosedRange<Double>?]]) {
        let side = benchmark.inDistributionSide(of: task, sets)
        let pairs = benchmark.outOfDistribution(sets).map {
            GroupedPair(
                inDistribution: side.flatMap { $0.confidences[index] }, $0.confidences[index], name: $0.name)
        }
        // The index of each of these sets among all sets; it keys the set's random draws.
        let places = side.indices.map { $0 == 0 ? 0 : sets.count - side.count + $0 }
        let whole = benchmark.result([:], Accuracy(correct: 0, count: 1))
        let columns = MetricColumn.allCases.count
        let width = whole.rows.count * columns
        let isCorrect = side.map(\.isCorrect)
        let hasAccuracy = side.allSatisfy { $0.accuracy != nil }
        var values = [Double](repeating: .nan, count: replicates * width)
        var span = values.mutableSpan
        pool.split(&span, every: width) { replicate, part in
            let result = result(benchmark, pairs, isCorrect, places, replicate, hasAccuracy: hasAccuracy)
            for (row, cells) in result.values.enumerated() {
                for (column, cell) in cells.enumerated() { part[row * columns + column] = cell ?? .nan }
            }
        }
        return (
            whole.rows,
            whole.rows.indices.map { row in
                (0..<columns).map { column in
                    interval((0..<replicates).map { values[$0 * width + row * columns + column] })
                }
            }
        )
    }

    /// The table of one replicate.
    private func result(
        _ benchmark: Benchmark, _ pairs: [GroupedPair], _ isCorrect: [[Bool]], _ places: [Int],
        _ replicate: Int, hasAccuracy: Bool
    ) -> BenchmarkResult {
        var drawn: [Int] = []
        var correct = 0
        var start = 0
        for (set, place) in zip(isCorrect, places) {
            for sample in draw(set.count, replicate, place) {
                drawn.append(start + sample)
                if set[sample] { correct += 1 }
            }
            start += set.count
        }
        var metrics: [String: RankingMetrics] = [:]
        for (index, pair) in pairs.enumerated() {
            metrics[pair.name] = pair.metrics(
                drawn, draw(pair.outGroups.count, replicate, 1 + index))
        }
        return benchmark.result(
            metrics, hasAccuracy ? Accuracy(correct: correct, count: drawn.count) : nil)
    }

    /// Draws `count` sample indices of a set, with replacement.
    private func draw(_ count: Int, _ replicate: Int, _ place: Int) -> [Int] {
        var stream = RandomStream(seed: seed, purpose: .resampling, place, replicate)
        return (0..<count).map { _ in stream.integer(below: count) }
    }

    /// The interval from the lower to the upper percentile, linearly interpolated between order
    /// statistics; `nil` if a value is NaN.
    private func interval(_ values: [Double]) -> ClosedRange<Double>? {
        guard !values.contains(where: \.isNaN) else { return nil }
        let sorted = values.sorted()
        let percentile = { (share: Double) in
            let place = share * Double(sorted.count - 1)
            let below = Int(place)
            let above = min(below + 1, sorted.count - 1)
            return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
        }
        return percentile((1 - level) / 2)...percentile((1 + level) / 2)
    }
}

/// Both sides of a comparison; each sample is stored as the rank of its confidence among the
/// distinct confidences.
private struct GroupedPair: Sendable {
    let name: String
    let inGroups: [Int32]
    let outGroups: [Int32]
    let groupCount: Int

    init(inDistribution: [Double], _ outOfDistribution: [Double], name: String) {
        let values = inDistribution + outOfDistribution
        var groups = [Int32](repeating: 0, count: values.count)
        var group = -1
        var last = Double.nan
        for index in values.indices.sorted(by: { values[$0] < values[$1] }) {
            if values[index] != last { group += 1 }
            last = values[index]
            groups[index] = Int32(group)
        }
        self.name = name
        inGroups = Array(groups.prefix(inDistribution.count))
        outGroups = Array(groups.suffix(outOfDistribution.count))
        groupCount = group + 1
    }

    /// The metrics of the given samples of both sides; a sample may occur more than once.
    func metrics(_ inSamples: [Int], _ outSamples: [Int]) -> RankingMetrics {
        var inCounts = [Int32](repeating: 0, count: groupCount)
        var outCounts = inCounts
        for sample in inSamples { inCounts[Int(inGroups[sample])] += 1 }
        for sample in outSamples { outCounts[Int(outGroups[sample])] += 1 }
        return RankingMetrics(inCounts: inCounts.span, outCounts: outCounts.span)
    }
}
