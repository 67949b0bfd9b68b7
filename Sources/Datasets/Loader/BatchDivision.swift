internal import Numerics

/// How a global batch is divided among ranks: into microbatches, of which each rank has some.
package struct BatchDivision: Sendable {
    /// Samples in a global batch, over all ranks.
    package let batchSize: Int
    /// Samples in a microbatch; see `ReductionTree`.
    package let microbatchSize: Int
    package let rank: Int
    package let worldSize: Int

    package init(batchSize: Int, microbatchSize: Int, rank: Int = 0, worldSize: Int = 1) {
        precondition(batchSize >= 1, "a batch of \(batchSize) samples")
        precondition(0 <= rank && rank < worldSize, "rank \(rank) of \(worldSize)")
        self.batchSize = batchSize
        self.microbatchSize = microbatchSize
        self.rank = rank
        self.worldSize = worldSize
    }

    /// The rank's samples of a batch of `count` samples.
    func samples(ofBatchOf count: Int) -> Range<Int> {
        let tree = ReductionTree(sampleCount: count, microbatchSize: microbatchSize)
        return tree.samples(inMicrobatches: tree.microbatches(ofRank: rank, worldSize: worldSize))
    }
}
