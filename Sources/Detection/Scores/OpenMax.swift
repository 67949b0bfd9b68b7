internal import Cluster
package import Inference
internal import Kernels
internal import Numerics

extension ScoreDefinition {
    /// Negated probability of an unknown class.
    public static let openmax = ScoreDefinition(
        "openmax", "−(probability of the class of unknowns), Weibull tails of the classes' distances in z",
        citation: "Bendale & Boult, CVPR 2016, arXiv 1511.06233, algorithms 1 and 2",
        fittedOn: .trainingFeatures,
        traits: ScoreTraits(precision: .double, choices: { _ in "double precision" })
    ) { try OpenMax($1) }
}

/// `openmax`: the negated probability of an unknown class, whose logit is the sum of what the
/// largest logits lose, depending on the distance to the class means.
///
/// Bendale, Boult: "Towards open set deep networks", CVPR 2016, arXiv 1511.06233, algorithms 1 and
/// 2, on logits. The distances of a class are those of its correctly predicted training images; a
/// Weibull distribution is fitted to the 20 largest. The predicted class is that of the largest
/// logit; OpenOOD's own prediction, which no table shows, may also be the unknown class.
package struct OpenMax: Score {
    package let precision = ScoreDefinition.openmax.precision
    /// How many of the largest logits are changed.
    static let changedCount = 3
    /// How many of the largest distances a class's Weibull distribution is fitted to.
    static let tailCount = 20
    /// Mean logits, shape `[K, K]`.
    private let means: [[Double]]
    /// One per class.
    private let tails: [WeibullTail]

    package init(_ fit: FitContext) throws {
        let (training, classes) = (fit.training, fit.head.classes)
        let right = (0..<training.count).filter {
            indexOfMaximum(training.input.logits(of: $0)) == Int(training.labels[$0])
        }
        let isRight = Set(right)
        let sums = try training.classSums(
            width: classes, on: fit.communicator,
            classOf: { isRight.contains($0) ? Int(training.labels[$0]) : nil },
            values: { training.logits[$0 * classes..<($0 + 1) * classes].map(Double.init) })
        means = try (0..<classes).map { k in
            guard let mean = sums.mean(k) else { throw Self.tooFew(0, in: k) }
            return mean
        }
        // The largest distances over all ranks are among the largest of each rank.
        var largest = [[Double]](repeating: [], count: classes)
        for record in right {
            let k = Int(training.labels[record])
            largest[k].append(distance(training.input.logits(of: record), means[k]))
        }
        let own = largest.flatMap { distances in
            let tail = distances.sorted(by: >).prefix(Self.tailCount)
            return tail + [Double](repeating: -1, count: Self.tailCount - tail.count)
        }
        let all = try fit.communicator.allGather(
            own.span, counts: [Int](repeating: own.count, count: fit.communicator.worldSize))
        tails = try (0..<classes).map { k in
            let distances = (0..<fit.communicator.worldSize).flatMap { rank in
                let first = rank * own.count + k * Self.tailCount
                return all[first..<first + Self.tailCount].filter { $0 >= 0 }
            }
            guard let tail = WeibullTail(Array(distances.sorted(by: >).prefix(Self.tailCount))) else {
                throw Self.tooFew(sums.counts[k], in: k)
            }
            return tail
        }
    }

    private static func tooFew(_ count: Int, in k: Int) -> FitError {
        FitError(
            score: .openmax,
            reason: """
                class \(k) has \(count) correctly predicted training records, expected at least two with different logits; use \
                the whole set or another checkpoint
                """)
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let classes = input.head.classes
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            var changed = (0..<classes).map { Double(row[$0]) }
            let order = (0..<classes).sorted { row[$0] > row[$1] }
            var unknown = 0.0
            for (place, k) in order.prefix(Self.changedCount).enumerated() {
                let share = Double(Self.changedCount - place) / Double(Self.changedCount)
                let lost = changed[k] * share * tails[k].probability(distance(row, means[k]))
                changed[k] -= lost
                unknown += lost
            }
            let largest = max(changed.max()!, unknown)
            let sum = changed.reduce(0) { $0 + exponential($1 - largest) } + exponential(unknown - largest)
            confidences[sample] = -exponential(unknown - largest) / sum
            predictions[sample] = Int32(indexOfMaximum(row))
        }
    }
}

/// A Weibull distribution of `distance − smallest + 1`, where `smallest` is the smallest of the
/// tail's distances; fitted by maximum likelihood.
struct WeibullTail: Sendable {
    private let smallest: Double
    private let shape: Double
    private let scale: Double

    /// - Parameter distances: The largest distances, in descending order.
    /// - Returns: `nil` unless there are at least two different distances.
    init?(_ distances: [Double]) {
        guard let first = distances.first, let last = distances.last, first > last else { return nil }
        smallest = last
        let longest = first - last + 1
        // Divided by the longest, so that powers do not overflow.
        let shares = distances.map { ($0 - last + 1) / longest }
        let meanLogarithm = shares.reduce(0) { $0 + logarithm($1) } / Double(shares.count)
        func slope(_ shape: Double) -> Double {
            var (sum, weighted) = (0.0, 0.0)
            for share in shares {
                sum += power(share, shape)
                weighted += power(share, shape) * logarithm(share)
            }
            return weighted / sum - 1 / shape - meanLogarithm
        }
        // Bisection: `slope` rises from −∞ to above 0.
        var (low, high) = (0.0, 1.0)
        while slope(high) < 0 { (low, high) = (high, 2 * high) }
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if slope(middle) < 0 { low = middle } else { high = middle }
        }
        shape = high
        let mean = shares.reduce(0) { $0 + power($1, high) } / Double(shares.count)
        scale = longest * power(mean, 1 / high)
    }

    /// The distribution's cumulative probability at `distance`.
    func probability(_ distance: Double) -> Double {
        let excess = distance - smallest + 1
        return excess < 0 ? 0 : 1 - exponential(-power(excess / scale, shape))
    }
}

private func distance(_ row: Span<Float>, _ mean: [Double]) -> Double {
    var sum = 0.0
    for k in row.indices {
        let step = Double(row[k]) - mean[k]
        sum += step * step
    }
    return sum.squareRoot()
}
