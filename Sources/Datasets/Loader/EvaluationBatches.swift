internal import Numerics

/// A rank's shard of a whole set in record order, `microbatchesPerBatch` microbatches at a time; a
/// shard consists of whole microbatches, and over all ranks every record occurs once.
package struct EvaluationBatches: IteratorProtocol, Sendable {
    var count: Int { tree.sampleCount }
    let microbatchSize: Int
    private let tree: ReductionTree
    private let microbatchesPerBatch: Int
    private var microbatches: Range<Int>
    private var step = 0

    /// - Parameters:
    ///   - count: Records of the set.
    ///   - microbatchesPerBatch: Microbatches in a batch; the last batch of a rank may have fewer.
    package init(
        count: Int, microbatchSize: Int, microbatchesPerBatch: Int, rank: Int = 0, worldSize: Int = 1
    ) {
        precondition(microbatchesPerBatch >= 1, "batches of \(microbatchesPerBatch) microbatches")
        precondition(0 <= rank && rank < worldSize, "rank \(rank) of \(worldSize)")
        self.microbatchSize = microbatchSize
        tree = ReductionTree(sampleCount: count, microbatchSize: microbatchSize)
        self.microbatchesPerBatch = microbatchesPerBatch
        microbatches = tree.microbatches(ofRank: rank, worldSize: worldSize)
    }

    package mutating func next() -> BatchRequest? {
        let first = microbatches.prefix(microbatchesPerBatch)
        let samples = tree.samples(inMicrobatches: first)
        guard !samples.isEmpty else { return nil }
        microbatches = first.upperBound..<microbatches.upperBound
        defer { step += 1 }
        return BatchRequest(
            epoch: 0, step: step, samples: samples, globalSampleCount: tree.sampleCount,
            records: Array(samples))
    }
}
