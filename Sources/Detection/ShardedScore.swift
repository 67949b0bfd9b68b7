package import Cluster
package import Inference
internal import Kernels
package import Workers

/// A score that compares samples with training records, of which each rank keeps its own shard.
///
/// Every rank receives every sample; the rank that the sample came from joins the partial results.
package protocol ShardedScore: Score {
    /// The number of partial results that a rank's shard gives for a sample.
    var partialCount: Int { get }
    /// The number of ranks that the records are sharded over.
    var worldSize: Int { get }

    /// The partial results from the rank's shard, shape `[input.count, partialCount]`.
    func partials(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double]

    /// The confidence of one sample.
    ///
    /// - Parameter partials: Shape `[ranks, partialCount]`.
    func confidence(_ partials: [ArraySlice<Double>]) -> Double

    /// The predicted class of one sample.
    func prediction(of sample: Int, in input: borrowing ScoreInput) -> Int
}

extension ShardedScore {
    package var sharded: (any ShardedScore)? { self }

    /// - Precondition: The rank's shard is the whole set; otherwise call
    ///   `confidences(of:on:pool:)`.
    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        precondition(worldSize == 1, "\(Self.self) sees one of \(worldSize) shards of its records")
        let partials = partials(input, on: WorkerPool(threads: 1))
        for sample in 0..<input.count {
            confidences[sample] = confidence([
                partials[sample * partialCount..<(sample + 1) * partialCount]
            ])
            predictions[sample] = Int32(prediction(of: sample, in: input))
        }
    }

    /// The class of the largest logit.
    package func prediction(of sample: Int, in input: borrowing ScoreInput) -> Int {
        indexOfMaximum(input.logits(of: sample))
    }

    /// The confidences of the rank's shard of a set, in the score's precision. Collective.
    package func confidences(
        of shard: FeatureShard, on communicator: any Communicator, pool: WorkerPool
    ) throws(MPIError) -> [Double] {
        precision.rounded(try joined(shard, on: communicator, pool: pool) { confidence($0) })
    }

    /// The results of `join` on all ranks' partial results, for each sample of the rank's shard of
    /// a set. Collective.
    ///
    /// Ranks take turns broadcasting their samples, two thousand at a time.
    func joined<Result>(
        _ shard: FeatureShard, on communicator: any Communicator, pool: WorkerPool,
        _ join: (_ partials: [ArraySlice<Double>]) -> Result
    ) throws(MPIError) -> [Result] {
        let own = [Int64(shard.count)]
        let counts = try communicator.allGather(
            own.span, counts: [Int](repeating: 1, count: communicator.worldSize))
        var results: [Result] = []
        for root in 0..<communicator.worldSize {
            for start in stride(from: 0, to: Int(counts[root]), by: 2016) {
                let records = start..<min(start + 2016, Int(counts[root]))
                let block = try shard.block(records, from: root, on: communicator)
                let partials = self.partials(block.input, on: pool)
                // A single rank skips the gather, which would copy 16 MB for two thousand samples
                // of knn's largest setting.
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

extension FeatureShard {
    /// Broadcasts some records of rank `root`'s shard to all ranks.
    fileprivate func block(
        _ records: Range<Int>, from root: Int, on communicator: any Communicator
    ) throws(MPIError) -> FeatureShard {
        let rows = { (values: [Float], width: Int) throws(MPIError) -> [Float] in
            var result =
                root == communicator.rank
                ? Array(values[records.lowerBound * width..<records.upperBound * width])
                : [Float](repeating: 0, count: records.count * width)
            var span = result.mutableSpan
            try communicator.broadcast(&span, from: root)
            return result
        }
        var result = FeatureShard(head: head, microbatchSize: microbatchSize)
        result.add(
            features: try rows(features, head.dimension), logits: try rows(logits, head.classes),
            labels: [Int32](repeating: -1, count: records.count))
        return result
    }
}
