public import Workers

/// Sums `[parts, count]` over the parts by the balanced binary tree, in place; part 0 holds the sum.
///
/// The node over `[a, b)` splits as `LaneTree.middle(of:)` says; the other parts are left changed.
private func sumByTree<Element: FloatingPoint>(
    _ values: inout MutableSpan<Element>, parts: Range<Int>, count: Int, elements: Range<Int>
) {
    guard parts.count > 1 else { return }
    let middle = LaneTree.middle(of: parts)
    sumByTree(&values, parts: parts.lowerBound..<middle, count: count, elements: elements)
    sumByTree(&values, parts: middle..<parts.upperBound, count: count, elements: elements)
    let left = parts.lowerBound * count
    let right = middle * count
    for i in elements { values[left + i] += values[right + i] }
}

/// Overwrites `sum` with the sum over the lanes of a rank, by the balanced binary tree.
///
/// - Parameters:
///   - lanes: Shape `[lanes, parts, count]`, of which the first `lanes · parts · count` are used.
///   - parts: Parts of a lane, whose sum is a tree of its own.
///   - sum: Shape `[count]`. With no lane it becomes −0.0, the identity of floating-point addition, which is what
///     a rank without samples contributes to a sum across ranks.
public func sumLanes(
    _ lanes: Span<Float>, laneCount: Int, parts: Int = 1, into sum: inout MutableSpan<Float>,
    on pool: WorkerPool
) {
    let count = sum.count
    precondition(
        lanes.count >= laneCount * parts * count,
        "\(lanes.count) elements for \(laneCount) lanes of \(parts) parts of \(count)")
    let tree = PartTree(parts: parts)
    guard laneCount > 0 else {
        sum.update(repeating: -0.0)
        return
    }
    pool.split(&sum, every: 4096) { item, part in
        let start = item * 4096
        var i = 0
        while i + vectorWidth <= part.count {
            part.store(tree.vectorSum(lanes, 0..<laneCount * parts, count: count, at: start + i), at: i)
            i += vectorWidth
        }
        while i < part.count {
            part[i] = tree.elementSum(lanes, 0..<laneCount * parts, count: count, at: start + i)
            i += 1
        }
    }
}

/// The balanced binary tree over lanes, whose leaves are those over each lane's parts.
private struct PartTree: Sendable {
    let parts: Int

    private func middle(of leaves: Range<Int>) -> Int {
        guard leaves.count > parts else { return LaneTree.middle(of: leaves) }
        return LaneTree.middle(of: leaves.lowerBound / parts..<leaves.upperBound / parts) * parts
    }

    /// The sum of sixteen elements.
    func vectorSum(_ lanes: Span<Float>, _ leaves: Range<Int>, count: Int, at index: Int) -> Vector {
        switch leaves.count {
        case 1: return lanes.vector(at: leaves.lowerBound * count + index)
        case 2:
            return lanes.vector(at: leaves.lowerBound * count + index)
                + lanes.vector(at: (leaves.lowerBound + 1) * count + index)
        default:
            let middle = middle(of: leaves)
            return vectorSum(lanes, leaves.lowerBound..<middle, count: count, at: index)
                + vectorSum(lanes, middle..<leaves.upperBound, count: count, at: index)
        }
    }

    func elementSum(_ lanes: Span<Float>, _ leaves: Range<Int>, count: Int, at index: Int) -> Float {
        guard leaves.count > 1 else { return lanes[leaves.lowerBound * count + index] }
        let middle = middle(of: leaves)
        return elementSum(lanes, leaves.lowerBound..<middle, count: count, at: index)
            + elementSum(lanes, middle..<leaves.upperBound, count: count, at: index)
    }
}

/// Sums rows of per-sample values inside each lane, by a balanced binary tree over the lane's samples.
///
/// - Parameters:
///   - samples: Shape `[N, count]`; used up.
///   - lanes: Shape `[⌈N / laneSize⌉, count]`; overwritten.
public func sumSamplesInLanes(
    _ samples: inout MutableSpan<Double>, sampleCount: Int, laneSize: Int, count: Int,
    into lanes: inout MutableSpan<Double>
) {
    for (lane, start) in stride(from: 0, to: sampleCount, by: laneSize).enumerated() {
        let end = min(start + laneSize, sampleCount)
        sumByTree(&samples, parts: start..<end, count: count, elements: 0..<count)
        for i in 0..<count { lanes[lane * count + i] = samples[start * count + i] }
    }
}

/// Overwrites `sum` with the sum over those lanes of a rank that lie in `group`.
///
/// The order is that of the tree over all of the rank's lanes with the others absent, so it does not depend on
/// how lanes are shared out over 2ᵏ ranks. With no lane in the group the sum is −0.0.
///
/// - Parameters:
///   - lanes: Shape `[laneCount, count]`.
///   - group: The lanes to sum, counted as `lanes` is.
public func sumLanes(
    _ lanes: Span<Double>, laneCount: Int, in group: Range<Int>, into sum: inout MutableSpan<Double>
) {
    let count = sum.count
    for i in 0..<count {
        sum[i] = sumOfGroup(lanes, node: 0..<laneCount, group: group, count: count, element: i)
    }
}

private func sumOfGroup(
    _ lanes: Span<Double>, node: Range<Int>, group: Range<Int>, count: Int, element: Int
) -> Double {
    guard node.overlaps(group) else { return -0.0 }
    guard node.count > 1 else { return lanes[node.lowerBound * count + element] }
    let middle = LaneTree.middle(of: node)
    return sumOfGroup(
        lanes, node: node.lowerBound..<middle, group: group, count: count, element: element)
        + sumOfGroup(lanes, node: middle..<node.upperBound, group: group, count: count, element: element)
}
