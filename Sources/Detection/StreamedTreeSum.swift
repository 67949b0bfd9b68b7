internal import Cluster
internal import Kernels

/// The sum over the lanes of all ranks along the tree, of lanes that come one after another; holds one sum a level of the tree.
struct StreamedTreeSum {
    /// Sums that wait for the other half of their node, the largest node first.
    private var waiting: [[Double]] = []
    /// How many nodes end with each of the rank's lanes.
    private let ends: [Int]
    private let width: Int
    private var lane = 0

    /// - Parameters:
    ///   - laneCount: The rank's lanes.
    ///   - width: How many values are summed.
    init(laneCount: Int, width: Int) {
        var ends = [Int](repeating: 0, count: laneCount)
        func visit(_ lanes: Range<Int>) {
            guard lanes.count > 1 else { return }
            let middle = LaneTree.middle(of: lanes)
            visit(lanes.lowerBound..<middle)
            visit(middle..<lanes.upperBound)
            ends[lanes.upperBound - 1] += 1
        }
        visit(0..<laneCount)
        self.ends = ends
        self.width = width
    }

    /// Adds the next lane's sum.
    mutating func add(_ sum: [Double]) {
        precondition(sum.count == width, "a sum of \(sum.count) values among those of \(width)")
        waiting.append(sum)
        for _ in 0..<ends[lane] {
            let right = waiting.removeLast()
            var left = waiting.removeLast()
            for j in left.indices { left[j] += right[j] }
            waiting.append(left)
        }
        lane += 1
    }

    /// The sum over all ranks' lanes. Collective.
    func total(on communicator: any Communicator) throws(MPIError) -> [Double] {
        precondition(lane == ends.count, "\(lane) of \(ends.count) lanes")
        var sum = waiting.first ?? [Double](repeating: -0.0, count: width)
        var span = sum.mutableSpan
        try communicator.treeSum(&span)
        return sum
    }
}
