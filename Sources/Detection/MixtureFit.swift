internal import Cluster
internal import Numerics

/// A Gaussian mixture with one shared covariance, fitted by expectation-maximisation (EM); all sums
/// follow the reduction tree over microbatches.
///
/// EM starts from ten rounds of k-means, whose initial means are evenly spaced records of the set.
/// It ends when the mean log-likelihood changes by less than 10⁻³, or after a hundred rounds. 10⁻⁶
/// is added to the covariance's diagonal, as in scikit-learn.
struct MixtureFit: Sendable {
    private static let (meansRounds, rounds, tolerance, diagonal) = (10, 100, 1e-3, 1e-6)

    /// The components' mixing weights, shape `[M]`.
    private(set) var weights: [Double]
    /// Shape `[M][R]`.
    private(set) var means: [[Double]]
    /// Shape `[R, R]`.
    private(set) var covariance: [Double] = []

    /// Collective.
    ///
    /// - Throws: `FitError` if there are fewer records than components.
    init(_ shard: FeatureShard, first: Int, components: Int, on communicator: any Communicator) throws {
        let total = try shard.totalCount(on: communicator)
        guard total >= components else {
            throw FitError(
                score: .gmm,
                reason:
                    "\(total) training records for \(components) mixture components, expected at least \(components) records"
            )
        }
        let dimension = shard.head.dimension
        let moments = try shard.moments(on: communicator)
        let starts = try shard.treeSum(width: components * dimension, on: communicator) { records, sums in
            for m in 0..<components {
                guard let record = records.first(where: { first + $0 == m * total / components }) else {
                    continue
                }
                for j in 0..<dimension {
                    sums[m * dimension + j] += Double(shard.features[record * dimension + j])
                }
            }
        }
        weights = [Double](repeating: 1 / Double(components), count: components)
        means = (0..<components).map { Array(starts[$0 * dimension..<($0 + 1) * dimension]) }
        for _ in 0..<Self.meansRounds {
            let nearest = shard.nearest(means)
            let sums = try shard.sums(components, on: communicator) { record, shares in
                shares[nearest[record]] = 1
                return 0
            }
            maximize(sums.dropLast(), moments)
        }
        var likelihood = -Double.infinity
        for _ in 0..<Self.rounds {
            let gaussian = try density()
            let distances = gaussian.distances(shard.features.span, count: shard.count)
            let sums = try shard.sums(components, on: communicator) { record, shares in
                let logs = (0..<components).map {
                    logarithm(weights[$0]) - distances[record * components + $0] / 2
                }
                let largest = logs.max() ?? 0
                let sum = logs.reduce(0) { $0 + exponential($1 - largest) }
                for m in 0..<components { shares[m] = exponential(logs[m] - largest) / sum }
                return largest + logarithm(sum)
            }
            let now = (sums.last ?? 0) / Double(total) - gaussian.logDeterminant / 2
            maximize(sums.dropLast(), moments)
            if abs(now - likelihood) < Self.tolerance { break }
            likelihood = now
        }
    }

    /// The Gaussian with the components' means and their shared covariance.
    func density() throws -> Gaussian { try Gaussian(covariance: covariance, means: means, score: .gmm) }

    /// - Parameter sums: Shape `[M, 1 + R]`: for each component the sum of its responsibilities,
    ///   then the sum of the features weighted by them.
    private mutating func maximize(_ sums: ArraySlice<Double>, _ moments: FeatureMoments) {
        let dimension = moments.dimension
        let total = Double(moments.count)
        for m in weights.indices {
            let start = sums.startIndex + m * (dimension + 1)
            weights[m] = sums[start] / total
            if sums[start] > 0 { means[m] = (1...dimension).map { sums[start + $0] / sums[start] } }
        }
        covariance = moments.covariance
        for (weight, mean) in zip(weights, means) {
            let shift = zip(mean, moments.mean).map { $0 - $1 }
            for i in 0..<dimension {
                for j in 0..<dimension { covariance[i * dimension + j] -= weight * shift[i] * shift[j] }
            }
        }
        for i in 0..<dimension { covariance[i * dimension + i] += Self.diagonal }
    }
}

extension FeatureShard {
    /// For each component the sum of its responsibilities, then the sum of the features weighted by
    /// them: shape `[M, 1 + R]`, followed by the sum of the values that `body` returns.
    fileprivate func sums(
        _ components: Int, on communicator: any Communicator,
        _ body: (_ record: Int, _ shares: inout [Double]) -> Double
    ) throws(MPIError) -> [Double] {
        let dimension = head.dimension
        return try treeSum(width: components * (dimension + 1) + 1, on: communicator) { records, sums in
            for record in records {
                var shares = [Double](repeating: 0, count: components)
                sums[components * (dimension + 1)] += body(record, &shares)
                for m in 0..<components where shares[m] > 0 {
                    sums[m * (dimension + 1)] += shares[m]
                    for j in 0..<dimension {
                        sums[m * (dimension + 1) + 1 + j] +=
                            shares[m] * Double(features[record * dimension + j])
                    }
                }
            }
        }
    }

    /// The index of the point nearest to each record, shape `[N]`.
    fileprivate func nearest(_ points: [[Double]]) -> [Int] {
        let dimension = head.dimension
        return (0..<count).map { record in
            var (best, smallest) = (0, Double.infinity)
            for (m, point) in points.enumerated() {
                var square = 0.0
                for j in 0..<dimension {
                    let step = Double(features[record * dimension + j]) - point[j]
                    square += step * step
                }
                if square < smallest { (best, smallest) = (m, square) }
            }
            return best
        }
    }
}
