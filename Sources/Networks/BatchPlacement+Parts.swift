internal import Kernels

extension LaneTree {
    /// Whether a group of `size` consecutive samples has lanes of several ranks.
    func cuts(groupsOf size: Int, worldSize: Int) -> Bool {
        (1..<max(worldSize, 1)).contains { rank in
            let lanes = lanes(ofRank: rank, worldSize: worldSize)
            let start = lanes.lowerBound * laneSize
            return !lanes.isEmpty && !start.isMultiple(of: size)
        }
    }
}

extension BatchPlacement {
    /// Whether no batch-norm group of a global batch lies in two parts of a rank's lanes: a pass must see its groups whole, since
    /// what it hands from layer to layer is gone when the next part begins.
    ///
    /// - Parameters:
    ///   - group: Samples in a batch-norm group; 0 for the global batch.
    ///   - partCount: Parts of each rank's lanes, a power of two.
    public static func canSplit(
        sampleCount: Int, laneSize: Int, group: Int, worldSize: Int, partCount: Int
    ) -> Bool {
        let tree = LaneTree(sampleCount: sampleCount, laneSize: laneSize)
        let size = group == 0 ? max(sampleCount, 1) : group
        return (0..<worldSize).allSatisfy { rank in
            let lanes = tree.lanes(ofRank: rank, worldSize: worldSize)
            return (1..<max(partCount, 1)).allSatisfy { index in
                let start = LaneTree.part(index, of: partCount, in: lanes).lowerBound
                return start == lanes.lowerBound || start == lanes.upperBound
                    || (start * laneSize).isMultiple(of: size)
            }
        }
    }

    /// The most parts, a power of two up to `limit`, into which each rank's lanes can be split; no more than give each a lane.
    public static func partCount(
        upTo limit: Int, sampleCount: Int, laneSize: Int, group: Int, worldSize: Int
    ) -> Int {
        let lanes = LaneTree(sampleCount: sampleCount, laneSize: laneSize).laneCount
        var count = 1
        while 2 * count <= limit, count * worldSize < lanes,
            canSplit(
                sampleCount: sampleCount, laneSize: laneSize, group: group, worldSize: worldSize,
                partCount: 2 * count)
        {
            count *= 2
        }
        return count
    }
}
