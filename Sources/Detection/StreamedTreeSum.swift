internal import Cluster
internal import Numerics

/// The sum over the microbatches of all ranks along the reduction tree, for microbatches that
/// arrive one after another; holds one sum per level of the tree.
struct StreamedTreeSum {
    /// Sums that wait for the right half of their node, the largest node first.
    private var waiting: [[Double]] = []
    /// The number of tree nodes that end with each of the rank's microbatches.
    private let ends: [Int]
    private let width: Int
    private var microbatch = 0

    /// - Parameters:
    ///   - microbatchCount: The number of the rank's microbatches.
    ///   - width: How many values are summed.
    init(microbatchCount: Int, width: Int) {
        var ends = [Int](repeating: 0, count: microbatchCount)
        func visit(_ microbatches: Range<Int>) {
            guard microbatches.count > 1 else { return }
            let middle = ReductionTree.middle(of: microbatches)
            visit(microbatches.lowerBound..<middle)
            visit(middle..<microbatches.upperBound)
            ends[microbatches.upperBound - 1] += 1
        }
        visit(0..<microbatchCount)
        self.ends = ends
        self.width = width
    }

    /// Adds the next microbatch's sum.
    mutating func add(_ sum: [Double]) {
        precondition(sum.count == width, "a sum of \(sum.count) values, expected \(width)")
        waiting.append(sum)
        for _ in 0..<ends[microbatch] {
            let right = waiting.removeLast()
            var left = waiting.removeLast()
            for j in left.indices { left[j] += right[j] }
            waiting.append(left)
        }
        microbatch += 1
    }

    /// The sum over all ranks' microbatches. Collective.
    func total(on communicator: any Communicator) throws(MPIError) -> [Double] {
        precondition(microbatch == ends.count, "\(microbatch) of \(ends.count) microbatches")
        var sum = waiting.first ?? [Double](repeating: -0.0, count: width)
        var span = sum.mutableSpan
        try communicator.treeSum(&span)
        return sum
    }
}
