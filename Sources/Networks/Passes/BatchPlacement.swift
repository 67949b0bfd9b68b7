package import Kernels
internal import Memory
package import Numerics

/// Which samples of a global batch a rank holds, and how they are grouped.
package struct BatchPlacement: Equatable, Sendable {
    /// The tree over the microbatches of the global batch.
    package let tree: ReductionTree
    /// The microbatches of a pass: all that this rank owns, or those of one accumulation step.
    package let microbatches: Range<Int>
    /// Samples in a batch-norm group.
    package let groupSize: Int
    /// Index of the accumulation step, counted from 0.
    package let accumulationStep: Int
    /// Accumulation steps of a training step, a power of two.
    package let accumulationSteps: Int
    /// Whether a batch-norm group spans ranks, so that ranks must wait for each other in every
    /// layer.
    package let hasSharedGroups: Bool

    /// The part of a global batch that `rank` holds.
    ///
    /// - Parameters:
    ///   - group: Samples in a batch-norm group, a whole number of microbatches; 0 for the global
    ///     batch.
    ///   - accumulationStep: Index of the rank's accumulation step.
    ///   - accumulationSteps: A power of two for which `canSplit` holds.
    package init(
        sampleCount: Int, microbatchSize: Int, group: Int = 0, rank: Int = 0, worldSize: Int = 1,
        accumulationStep: Int = 0,
        accumulationSteps: Int = 1
    ) {
        precondition(
            group.isMultiple(of: microbatchSize),
            "groups of \(group) samples in microbatches of \(microbatchSize)")
        tree = ReductionTree(sampleCount: sampleCount, microbatchSize: microbatchSize)
        microbatches = ReductionTree.part(
            accumulationStep, of: accumulationSteps, in: tree.microbatches(ofRank: rank, worldSize: worldSize)
        )
        groupSize = group == 0 ? max(sampleCount, 1) : group
        self.accumulationStep = accumulationStep
        self.accumulationSteps = accumulationSteps
        hasSharedGroups = tree.cuts(groupsOf: groupSize, worldSize: worldSize)
    }

    /// The rank's samples, as positions in the global batch.
    package var samples: Range<Int> { tree.samples(inMicrobatches: microbatches) }
    /// The number of samples the rank holds.
    package var sampleCount: Int { samples.count }
    /// Samples in a microbatch.
    package var microbatchSize: Int { tree.microbatchSize }
    /// Whether the step's running statistics and gradients are complete after the pass.
    var isLastAccumulationStep: Bool { accumulationStep == accumulationSteps - 1 }
    /// The batch-norm groups of the global batch, seen from this rank.
    package var groups: SampleGroups {
        SampleGroups(size: groupSize, sampleCount: tree.sampleCount, firstSample: samples.lowerBound)
    }

    /// The rank's microbatches, counted from its first, that lie in `group`.
    func microbatches(inGroup group: Int) -> Range<Int> {
        let width = (groupSize + microbatchSize - 1) / microbatchSize
        let whole = (group * width..<(group + 1) * width).clamped(to: microbatches)
        return whole.lowerBound - microbatches.lowerBound..<whole.upperBound - microbatches.lowerBound
    }
}
