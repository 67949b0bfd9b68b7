/// The balanced binary tree over the microbatches of a global batch: the order of every sum over
/// samples.
///
/// A *microbatch* is `microbatchSize` consecutive samples; the last one of a short batch may be
/// shorter. The node over microbatches `[a, b)` splits at `a + ⌈(b − a) / 2⌉`. A world of 2ᵏ ranks
/// owns the nodes at depth k, rank 0 the first, so the sums inside a rank and the sums across ranks
/// are parts of one tree, and the result has the same bits for every such world. In a world of
/// another size the microbatches are distributed evenly, and sums agree up to rounding.
package struct ReductionTree: Equatable, Sendable {
    /// Samples in the global batch.
    package let sampleCount: Int
    /// Samples in a microbatch.
    package let microbatchSize: Int

    /// The tree of a batch of `sampleCount` samples.
    package init(sampleCount: Int, microbatchSize: Int) {
        precondition(
            sampleCount >= 0 && microbatchSize >= 1,
            "\(sampleCount) samples in microbatches of \(microbatchSize)")
        self.sampleCount = sampleCount
        self.microbatchSize = microbatchSize
    }

    /// The number of microbatches, the last short one included.
    package var microbatchCount: Int { (sampleCount + microbatchSize - 1) / microbatchSize }

    /// Where the node over `range` splits.
    @inlinable
    package static func middle(of range: Range<Int>) -> Int {
        range.lowerBound + (range.count + 1) / 2
    }

    /// Whether a world of `worldSize` ranks gives the same bits as one rank.
    package static func isExact(worldSize: Int) -> Bool {
        worldSize > 0 && worldSize & (worldSize - 1) == 0
    }

    /// The microbatches that `rank` of `worldSize` owns; may be empty.
    package func microbatches(ofRank rank: Int, worldSize: Int) -> Range<Int> {
        guard Self.isExact(worldSize: worldSize) else {
            return microbatchCount * rank / worldSize..<microbatchCount * (rank + 1) / worldSize
        }
        return Self.part(rank, of: worldSize, in: 0..<microbatchCount)
    }

    /// Node `index` of the `count` = 2ᵏ nodes at depth k below `node`; may be empty.
    package static func part(_ index: Int, of count: Int, in node: Range<Int>) -> Range<Int> {
        precondition(isExact(worldSize: count), "count is \(count), expected a power of two")
        var node = node
        var bit = count >> 1
        while bit > 0 {
            let middle = middle(of: node)
            node = index & bit == 0 ? node.lowerBound..<middle : middle..<max(middle, node.upperBound)
            bit >>= 1
        }
        return node
    }

    /// The samples of the global batch that are in `microbatches`.
    package func samples(inMicrobatches microbatches: Range<Int>) -> Range<Int> {
        min(
            microbatches.lowerBound * microbatchSize, sampleCount)..<min(
                microbatches.upperBound * microbatchSize, sampleCount)
    }
}
