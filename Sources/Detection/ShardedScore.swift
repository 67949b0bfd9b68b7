public import Cluster
internal import Kernels
public import Workers

/// A score that compares samples with records of the training set, of which each rank keeps its own share.
///
/// Samples are shown to every rank; what the ranks find is joined where the sample came from.
public protocol ShardedScore: Score {
    /// How many numbers a rank's share gives for a sample.
    var partialCount: Int { get }
    /// Ranks among whom the records are shared out.
    var worldSize: Int { get }

    /// What the rank's share gives, shape `[input.count, partialCount]`.
    func partials(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double]

    /// The confidence of one sample.
    ///
    /// - Parameter partials: Shape `[ranks, partialCount]`.
    func confidence(_ partials: [ArraySlice<Double>]) -> Double

    /// The predicted class of one sample.
    func prediction(of sample: Int, in input: borrowing ScoreInput) -> Int
}

extension ShardedScore {
    /// - Precondition: The rank's share is the whole set; otherwise `confidences(of:on:pool:)`.
    public func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        precondition(worldSize == 1, "\(name.rawValue) sees one of \(worldSize) shares of its records")
        let partials = partials(input, on: WorkerPool(threads: 1))
        for sample in 0..<input.count {
            confidences[sample] = confidence([
                partials[sample * partialCount..<(sample + 1) * partialCount]
            ])
            predictions[sample] = Int32(prediction(of: sample, in: input))
        }
    }

    /// The class of the largest logit.
    public func prediction(of sample: Int, in input: borrowing ScoreInput) -> Int {
        indexOfMaximum(input.logits(of: sample))
    }

    /// The confidences of the rank's share of a set, in the score's precision. Collective.
    public func confidences(
        of share: FeatureShare, on communicator: any Communicator, pool: WorkerPool
    ) throws(MPIError) -> [Double] {
        name.precision.rounded(try joined(share, on: communicator, pool: pool) { confidence($0) })
    }

    /// What `join` makes of all ranks' parts for each sample of the rank's share of a set. Collective.
    ///
    /// Ranks take turns in showing their samples, two thousand at a time.
    func joined<Result>(
        _ share: FeatureShare, on communicator: any Communicator, pool: WorkerPool,
        _ join: (_ partials: [ArraySlice<Double>]) -> Result
    ) throws(MPIError) -> [Result] {
        let own = [Int64(share.count)]
        let counts = try communicator.allGather(
            own.span, counts: [Int](repeating: 1, count: communicator.worldSize))
        var results: [Result] = []
        for root in 0..<communicator.worldSize {
            for start in stride(from: 0, to: Int(counts[root]), by: 2016) {
                let records = start..<min(start + 2016, Int(counts[root]))
                let block = try share.block(records, from: root, on: communicator)
                let partials = self.partials(block.input, on: pool)
                // Alone, there is nothing to gather: 16 MB for two thousand samples of knn's largest setting.
                let all =
                    communicator.worldSize == 1
                    ? partials
                    : try communicator.allGather(
                        partials.span,
                        counts: [Int](repeating: partials.count, count: communicator.worldSize))
                guard root == communicator.rank else { continue }
                for sample in 0..<records.count {
                    results.append(
                        join(
                            (0..<communicator.worldSize).map {
                                let first = $0 * partials.count + sample * partialCount
                                return all[first..<first + partialCount]
                            }))
                }
            }
        }
        return results
    }
}

extension FeatureShare {
    /// Some records of rank `root`'s share, on all ranks.
    fileprivate func block(
        _ records: Range<Int>, from root: Int, on communicator: any Communicator
    ) throws(MPIError) -> FeatureShare {
        let rows = { (values: [Float], width: Int) throws(MPIError) -> [Float] in
            var result =
                root == communicator.rank
                ? Array(values[records.lowerBound * width..<records.upperBound * width])
                : [Float](repeating: 0, count: records.count * width)
            var span = result.mutableSpan
            try communicator.broadcast(&span, from: root)
            return result
        }
        var result = FeatureShare(head: head, laneSize: laneSize)
        result.add(
            features: try rows(features, head.dimension), logits: try rows(logits, head.classes),
            labels: [Int32](repeating: -1, count: records.count))
        return result
    }
}
