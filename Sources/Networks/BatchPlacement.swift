public import Kernels

/// Which samples of a global batch a rank holds, and how they are grouped.
public struct BatchPlacement: Equatable, Sendable {
    /// The tree over the lanes of the global batch.
    public let tree: LaneTree
    /// The lanes that a pass works on: those this rank owns, or a part of them.
    public let lanes: Range<Int>
    /// Samples in a batch-norm group.
    public let groupSize: Int
    /// Which part of the rank's lanes, if a step goes through them in several passes.
    public let part: Int
    /// The passes of a step, 2ᵏ.
    public let partCount: Int
    /// Whether a batch-norm group lies on several ranks, so that they must wait for each other in every layer.
    public let hasSharedGroups: Bool

    /// The share of `rank` in a global batch.
    ///
    /// - Parameters:
    ///   - group: Samples in a batch-norm group, a whole number of lanes; 0 for the global batch.
    ///   - part: Which part of the share.
    ///   - partCount: A power of two by which `canSplit` holds.
    public init(
        sampleCount: Int, laneSize: Int, group: Int = 0, rank: Int = 0, worldSize: Int = 1, part: Int = 0,
        partCount: Int = 1
    ) {
        precondition(group.isMultiple(of: laneSize), "groups of \(group) samples in lanes of \(laneSize)")
        tree = LaneTree(sampleCount: sampleCount, laneSize: laneSize)
        lanes = LaneTree.part(part, of: partCount, in: tree.lanes(ofRank: rank, worldSize: worldSize))
        groupSize = group == 0 ? max(sampleCount, 1) : group
        self.part = part
        self.partCount = partCount
        hasSharedGroups = tree.cuts(groupsOf: groupSize, worldSize: worldSize)
    }

    /// The rank's samples, as positions in the global batch.
    public var samples: Range<Int> { tree.samples(inLanes: lanes) }
    /// The number of samples the rank holds.
    public var sampleCount: Int { samples.count }
    /// Samples in a lane.
    public var laneSize: Int { tree.laneSize }
    /// Whether the step's running statistics and gradients are whole after the pass.
    var isLastPart: Bool { part == partCount - 1 }
    /// The batch-norm groups of the global batch, seen from this rank.
    public var groups: SampleGroups {
        SampleGroups(size: groupSize, sampleCount: tree.sampleCount, firstSample: samples.lowerBound)
    }

    /// The rank's lanes, counted from its first, that lie in `group`.
    func lanes(inGroup group: Int) -> Range<Int> {
        let width = (groupSize + laneSize - 1) / laneSize
        let whole = (group * width..<(group + 1) * width).clamped(to: lanes)
        return whole.lowerBound - lanes.lowerBound..<whole.upperBound - lanes.lowerBound
    }
}
