internal import Memory
internal import Numerics

extension ReductionTree {
    /// Whether a group of `size` consecutive samples spans ranks.
    func cuts(groupsOf size: Int, worldSize: Int) -> Bool {
        (1..<max(worldSize, 1)).contains { rank in
            let microbatches = microbatches(ofRank: rank, worldSize: worldSize)
            let start = microbatches.lowerBound * microbatchSize
            return !microbatches.isEmpty && !start.isMultiple(of: size)
        }
    }
}

extension BatchPlacement {
    /// Whether no batch-norm group of a global batch spans two accumulation steps of a rank. A pass
    /// must see whole groups, since its activations are gone when the next accumulation step
    /// begins.
    ///
    /// - Parameters:
    ///   - group: Samples in a batch-norm group; 0 for the global batch.
    ///   - accumulationSteps: Accumulation steps of each rank, a power of two.
    package static func canSplit(
        sampleCount: Int, microbatchSize: Int, group: Int, worldSize: Int, accumulationSteps: Int
    ) -> Bool {
        let tree = ReductionTree(sampleCount: sampleCount, microbatchSize: microbatchSize)
        let size = group == 0 ? max(sampleCount, 1) : group
        return (0..<worldSize).allSatisfy { rank in
            let microbatches = tree.microbatches(ofRank: rank, worldSize: worldSize)
            return (1..<max(accumulationSteps, 1)).allSatisfy { index in
                let start = ReductionTree.part(index, of: accumulationSteps, in: microbatches).lowerBound
                return start == microbatches.lowerBound || start == microbatches.upperBound
                    || (start * microbatchSize).isMultiple(of: size)
            }
        }
    }

    /// The largest number of accumulation steps, a power of two up to `limit`, into which each
    /// rank's microbatches can be split; each step has at least one microbatch.
    package static func accumulationSteps(
        upTo limit: Int, sampleCount: Int, microbatchSize: Int, group: Int, worldSize: Int
    ) -> Int {
        let microbatches = ReductionTree(sampleCount: sampleCount, microbatchSize: microbatchSize)
            .microbatchCount
        var count = 1
        while 2 * count <= limit, count * worldSize < microbatches,
            canSplit(
                sampleCount: sampleCount, microbatchSize: microbatchSize, group: group, worldSize: worldSize,
                accumulationSteps: 2 * count)
        {
            count *= 2
        }
        return count
    }
}
