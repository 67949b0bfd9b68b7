internal import Cluster
package import Inference
internal import Kernels
package import Workers

extension ScoreDefinition {
    /// Negated squared distance to the k-th nearest training feature.
    public static let knn = ScoreDefinition(
        "knn", "−(squared distance of ĥ to the k-th nearest)",
        citation: "Sun et al., ICML 2022, arXiv 2204.06507, section 3",
        fittedOn: [.trainingFeatures, .featuresAlone],
        settings: [
            .whole("k", 50, in: 1...1_000_000, label: "neighbour", tried: [50, 100, 200, 500, 1000]) {
                try Int($0) <= $1.training.totalCount(on: $1.communicator)
            }
        ], traits: ScoreTraits(grid: { try NeighborGrid($0, $1) })
    ) { try NearestNeighbors($1, neighbor: $0.whole("k")) }
}

/// `knn`: the negated squared distance to the k-th nearest training record, for features divided by
/// their norm.
///
/// Sun, Ming, Zhu, Li: "Out-of-distribution detection with deep nearest neighbors", ICML 2022,
/// arXiv 2204.06507, section 3. The search is exact. Distances are sums of squared differences in
/// single precision; faiss's `‖a‖² + ‖b‖² − 2ab` may be slightly negative. 1e-10 is added to the
/// norm; OpenOOD adds it after the division, although the norm is meant.
package struct NearestNeighbors: ShardedScore {
    /// `k`, from 1.
    package let neighbor: Int
    package let worldSize: Int
    private let l2Index: FlatL2Index

    package var partialCount: Int { neighbor }

    package init(_ fit: FitContext, neighbor: Int = 50) throws {
        precondition(neighbor >= 1, "neighbour \(neighbor)")
        let count = try fit.training.totalCount(on: fit.communicator)
        guard neighbor <= count else {
            throw FitError(
                score: .knn,
                reason:
                    "\(count) training records for neighbour \(neighbor), expected at least \(neighbor) records"
            )
        }
        self.neighbor = neighbor
        worldSize = fit.communicator.worldSize
        l2Index = fit.flatL2Index()
    }

    /// The squared distances to the nearest records, in any order; infinite if there are fewer
    /// records.
    package func partials(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double] {
        let rows = unitRows(input.copyFeatures(), dimension: input.head.dimension)
        var nearest = [Float](repeating: 0, count: input.count * neighbor)
        var span = nearest.mutableSpan
        l2Index.fillSmallestDistances(of: rows.span, neighbors: neighbor, into: &span, on: pool)
        return nearest.map(Double.init)
    }

    package func confidence(_ partials: [ArraySlice<Double>]) -> Double {
        confidences(partials, neighbors: [neighbor])[0]
    }

    /// The confidences of the rank's shard of a set for several values of `k`, from one search.
    /// Collective.
    ///
    /// - Parameter neighbors: The values of `k`, each at most `neighbor`.
    /// - Returns: One array per value of `k`.
    func confidences(
        neighbors: [Int], of shard: FeatureShard, on communicator: any Communicator, pool: WorkerPool
    ) throws(MPIError) -> [[Double]] {
        let found = try joined(shard, on: communicator, pool: pool) { confidences($0, neighbors: neighbors) }
        return neighbors.indices.map { index in found.map { $0[index] } }
    }

    private func confidences(_ partials: [ArraySlice<Double>], neighbors: [Int]) -> [Double] {
        if partials.contains(where: { $0.first?.isNaN ?? false }) { return neighbors.map { _ in .nan } }
        var all = partials.flatMap { $0.map { Float($0) } }
        var span = all.mutableSpan
        return neighbors.map { neighbor in
            gatherSmallest(neighbor, of: &span)
            var farthest = span[0]
            for i in 0..<neighbor { farthest = max(farthest, span[i]) }
            return Double(-farthest)
        }
    }
}

/// The confidences for several values of `k`, from one search for the largest.
private struct NeighborGrid: GridScore {
    let neighbors: [Int]
    let score: NearestNeighbors

    init(_ settings: [ScoreSettings], _ fit: FitContext) throws {
        neighbors = settings.map { $0.whole("k") }
        score = try NearestNeighbors(fit, neighbor: neighbors.max() ?? 1)
    }

    func confidences(
        of shard: FeatureShard, on communicator: any Communicator, pool: WorkerPool
    ) throws(MPIError) -> [[Double]] {
        try score.confidences(neighbors: neighbors, of: shard, on: communicator, pool: pool)
    }
}
