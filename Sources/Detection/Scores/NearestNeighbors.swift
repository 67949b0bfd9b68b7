internal import Cluster
internal import Kernels
public import Workers

/// `knn`: the negated squared distance to the k-th nearest training record, of features divided by their length.
///
/// Sun, Ming, Zhu, Li: "Out-of-distribution detection with deep nearest neighbors", ICML 2022, arXiv 2204.06507, section 3. Exact: all
/// records are looked at, and distances are sums of squared differences in single precision, where faiss's `‖a‖² + ‖b‖² − 2ab` may be
/// a little below 0. OpenOOD adds 1e-10 after the division where the length is meant.
public struct NearestNeighbors: ShardedScore {
    public let name = ScoreName.knn
    /// Which neighbour counts, from 1.
    public let neighbor: Int
    public let worldSize: Int
    private let bank: NeighborBank

    public var partialCount: Int { neighbor }

    public init(_ fit: ScoreFit, neighbor: Int = 50) throws {
        precondition(neighbor >= 1, "neighbour \(neighbor)")
        let count = try fit.training.totalCount(on: fit.communicator)
        guard neighbor <= count else {
            throw ScoreFitError(
                score: .knn,
                reason:
                    "neighbour \(neighbor) of \(count) training records, expected as many records at least")
        }
        self.neighbor = neighbor
        worldSize = fit.communicator.worldSize
        bank = fit.neighborBank()
    }

    /// The squared distances of the nearest records, in any order; infinite where there are fewer.
    public func partials(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double] {
        let rows = unitRows(input.copyFeatures(), dimension: input.head.dimension)
        var nearest = [Float](repeating: 0, count: input.count * neighbor)
        var span = nearest.mutableSpan
        bank.fillSmallestDistances(of: rows.span, neighbors: neighbor, into: &span, on: pool)
        return nearest.map(Double.init)
    }

    public func confidence(_ partials: [ArraySlice<Double>]) -> Double {
        confidences(partials, neighbors: [neighbor])[0]
    }

    /// The confidences of the rank's share of a set for several neighbours, by one search. Collective.
    ///
    /// - Parameter neighbors: Each at most `neighbor`.
    /// - Returns: One array a neighbour.
    func confidences(
        neighbors: [Int], of share: FeatureShare, on communicator: any Communicator, pool: WorkerPool
    ) throws(MPIError) -> [[Double]] {
        let found = try joined(share, on: communicator, pool: pool) { confidences($0, neighbors: neighbors) }
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
