internal import Numerics
package import Workers

/// Sums `[parts, count]` over the parts in place, by the balanced binary tree; the first part then
/// holds the sum.
///
/// The node over `[a, b)` splits at `ReductionTree.middle(of:)`. The other parts are overwritten.
private func sumByTree<Element: FloatingPoint>(
    _ values: inout MutableSpan<Element>, parts: Range<Int>, count: Int, elements: Range<Int>
) {
    guard parts.count > 1 else { return }
    let middle = ReductionTree.middle(of: parts)
    sumByTree(&values, parts: parts.lowerBound..<middle, count: count, elements: elements)
    sumByTree(&values, parts: middle..<parts.upperBound, count: count, elements: elements)
    let left = parts.lowerBound * count
    let right = middle * count
    for i in elements { values[left + i] += values[right + i] }
}

/// Overwrites `sum` with the sum over the microbatches of a rank, by the balanced binary tree.
///
/// - Parameters:
///   - microbatches: Shape `[microbatches, parts, count]`, of which the first
///     `microbatches · parts · count` are used.
///   - parts: Parts per microbatch; they are summed by a tree of their own.
///   - sum: Shape `[count]`. With no microbatch it becomes −0.0, the identity of floating-point
///     addition, which is what a rank without samples contributes to a sum across ranks.
package func sumMicrobatches(
    _ microbatches: Span<Float>, microbatchCount: Int, parts: Int = 1, into sum: inout MutableSpan<Float>,
    on pool: WorkerPool
) {
    let count = sum.count
    precondition(
        microbatches.count >= microbatchCount * parts * count,
        "\(microbatches.count) elements for \(microbatchCount) microbatches of \(parts) parts of \(count)")
    let tree = PartTree(parts: parts)
    guard microbatchCount > 0 else {
        sum.update(repeating: -0.0)
        return
    }
    pool.split(&sum, every: 4096) { item, part in
        let start = item * 4096
        var i = 0
        while i + vectorWidth <= part.count {
            part.store(
                tree.vectorSum(microbatches, 0..<microbatchCount * parts, count: count, at: start + i), at: i)
            i += vectorWidth
        }
        while i < part.count {
            part[i] = tree.elementSum(microbatches, 0..<microbatchCount * parts, count: count, at: start + i)
            i += 1
        }
    }
}

/// The balanced binary tree over microbatches; its leaves are the trees over each microbatch's
/// parts.
private struct PartTree: Sendable {
    let parts: Int

    private func middle(of leaves: Range<Int>) -> Int {
        guard leaves.count > parts else { return ReductionTree.middle(of: leaves) }
        return ReductionTree.middle(of: leaves.lowerBound / parts..<leaves.upperBound / parts) * parts
    }

    /// The sum of sixteen elements.
    func vectorSum(_ microbatches: Span<Float>, _ leaves: Range<Int>, count: Int, at index: Int) -> Vector {
        switch leaves.count {
        case 1: return microbatches.vector(at: leaves.lowerBound * count + index)
        case 2:
            return microbatches.vector(at: leaves.lowerBound * count + index)
                + microbatches.vector(at: (leaves.lowerBound + 1) * count + index)
        default:
            let middle = middle(of: leaves)
            return vectorSum(microbatches, leaves.lowerBound..<middle, count: count, at: index)
                + vectorSum(microbatches, middle..<leaves.upperBound, count: count, at: index)
        }
    }

    func elementSum(_ microbatches: Span<Float>, _ leaves: Range<Int>, count: Int, at index: Int) -> Float {
        guard leaves.count > 1 else { return microbatches[leaves.lowerBound * count + index] }
        let middle = middle(of: leaves)
        return elementSum(microbatches, leaves.lowerBound..<middle, count: count, at: index)
            + elementSum(microbatches, middle..<leaves.upperBound, count: count, at: index)
    }
}

/// Sums rows of per-sample values inside each microbatch, by a balanced binary tree over the
/// microbatch's samples.
///
/// - Parameters:
///   - samples: Shape `[N, count]`; overwritten.
///   - microbatches: Shape `[⌈N / microbatchSize⌉, count]`; overwritten.
package func sumSamplesInMicrobatches(
    _ samples: inout MutableSpan<Double>, sampleCount: Int, microbatchSize: Int, count: Int,
    into microbatches: inout MutableSpan<Double>
) {
    for (microbatch, start) in stride(from: 0, to: sampleCount, by: microbatchSize).enumerated() {
        let end = min(start + microbatchSize, sampleCount)
        sumByTree(&samples, parts: start..<end, count: count, elements: 0..<count)
        for i in 0..<count { microbatches[microbatch * count + i] = samples[start * count + i] }
    }
}

/// Overwrites `sum` with the sum over those microbatches of a rank that lie in `group`.
///
/// The order is that of the tree over all of the rank's microbatches with the others absent, so it
/// does not depend on how microbatches are distributed over 2ᵏ ranks. With no microbatch in the
/// group the sum is −0.0.
///
/// - Parameters:
///   - microbatches: Shape `[microbatchCount, count]`.
///   - group: The microbatches to sum, as indices into `microbatches`.
package func sumMicrobatches(
    _ microbatches: Span<Double>, microbatchCount: Int, in group: Range<Int>,
    into sum: inout MutableSpan<Double>
) {
    let count = sum.count
    for i in 0..<count {
        sum[i] = sumOfGroup(microbatches, node: 0..<microbatchCount, group: group, count: count, element: i)
    }
}

private func sumOfGroup(
    _ microbatches: Span<Double>, node: Range<Int>, group: Range<Int>, count: Int, element: Int
) -> Double {
    guard node.overlaps(group) else { return -0.0 }
    guard node.count > 1 else { return microbatches[node.lowerBound * count + element] }
    let middle = ReductionTree.middle(of: node)
    return sumOfGroup(
        microbatches, node: node.lowerBound..<middle, group: group, count: count, element: element)
        + sumOfGroup(
            microbatches, node: middle..<node.upperBound, group: group, count: count, element: element)
}

/// Adds an earlier sum to `sum`: `sum = earlier + sum`.
package func addEarlier(_ earlier: Span<Float>, to sum: inout MutableSpan<Float>, on pool: WorkerPool) {
    precondition(earlier.count == sum.count, "\(earlier.count) and \(sum.count) elements")
    pool.split(&sum, every: 4096) { item, part in
        let start = item * 4096
        var i = 0
        while i + vectorWidth <= part.count {
            part.store(earlier.vector(at: start + i) + part.vector(at: i), at: i)
            i += vectorWidth
        }
        while i < part.count {
            part[i] = earlier[start + i] + part[i]
            i += 1
        }
    }
}
