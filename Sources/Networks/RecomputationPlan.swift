/// Which blocks keep their finished values from the forward pass to the backward pass, and when the
/// others are recomputed (activation checkpointing).
///
/// Finished values are sums of tensors that are kept anyway, so recomputing them takes one pass
/// over memory. The last three stages keep theirs: the backward pass begins there and would need
/// them all at the same time, and they are small.
struct RecomputationPlan {
    private static let keptStages = 3

    /// For each block, whether its finished values are kept.
    let keeps: [Bool]
    private var chains: [Range<Int>]

    init(_ blocks: [ResidualBlock]) {
        let firsts = blocks.indices.filter { $0 == 0 || blocks[$0].isFirstOfStage }
        let firstKept = firsts.count > Self.keptStages ? firsts[firsts.count - Self.keptStages] : 0
        var exists = blocks.indices.map { $0 >= firstKept }
        keeps = exists
        chains = blocks.indices.map { $0..<$0 }
        for i in blocks.indices.reversed() where i > 0 && !exists[i - 1] {
            var first = i - 1
            while first > 0 && blocks[first].needsInputToFinish && !exists[first - 1] { first -= 1 }
            for k in first..<i { exists[k] = true }
            chains[i] = first..<i
        }
    }

    /// The blocks whose values are recomputed, in this order, before the backward pass of block
    /// `i`.
    func blocks(before i: Int) -> Range<Int> { chains[i] }
}
