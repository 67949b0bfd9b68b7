/// The balanced binary tree over the lanes of a global batch: the order of every sum over samples.
///
/// A *lane* is `laneSize` consecutive samples; the last one of a short batch may be shorter. The node over
/// lanes `[a, b)` splits at `a + ⌈(b − a) / 2⌉`. A world of 2ᵏ ranks owns the nodes at depth k, rank 0 the
/// first, so what is summed inside a rank and what is summed across ranks are parts of one tree, and
/// the result has the same bits for every such world. In a world of another size the lanes are shared out
/// evenly, and sums agree to rounding.
public struct LaneTree: Equatable, Sendable {
    /// Samples in the global batch.
    public let sampleCount: Int
    /// Samples in a lane.
    public let laneSize: Int

    /// The tree of a batch of `sampleCount` samples.
    public init(sampleCount: Int, laneSize: Int) {
        precondition(sampleCount >= 0 && laneSize >= 1, "\(sampleCount) samples in lanes of \(laneSize)")
        self.sampleCount = sampleCount
        self.laneSize = laneSize
    }

    /// The number of lanes, the last short one included.
    public var laneCount: Int { (sampleCount + laneSize - 1) / laneSize }

    /// Where the node over `range` splits.
    public static func middle(of range: Range<Int>) -> Int {
        range.lowerBound + (range.count + 1) / 2
    }

    /// Whether a world of `worldSize` ranks gives the same bits as one rank.
    public static func isExact(worldSize: Int) -> Bool {
        worldSize > 0 && worldSize & (worldSize - 1) == 0
    }

    /// The lanes that `rank` of `worldSize` owns; may be empty.
    public func lanes(ofRank rank: Int, worldSize: Int) -> Range<Int> {
        guard Self.isExact(worldSize: worldSize) else {
            return laneCount * rank / worldSize..<laneCount * (rank + 1) / worldSize
        }
        return Self.part(rank, of: worldSize, in: 0..<laneCount)
    }

    /// Part `index` of the `count` = 2ᵏ nodes at depth k below `node`; may be empty.
    public static func part(_ index: Int, of count: Int, in node: Range<Int>) -> Range<Int> {
        precondition(isExact(worldSize: count), "\(count) parts of a binary tree")
        var node = node
        var bit = count >> 1
        while bit > 0 {
            let middle = middle(of: node)
            node = index & bit == 0 ? node.lowerBound..<middle : middle..<max(middle, node.upperBound)
            bit >>= 1
        }
        return node
    }

    /// The samples of the global batch that `lanes` hold.
    public func samples(inLanes lanes: Range<Int>) -> Range<Int> {
        min(lanes.lowerBound * laneSize, sampleCount)..<min(lanes.upperBound * laneSize, sampleCount)
    }
}
