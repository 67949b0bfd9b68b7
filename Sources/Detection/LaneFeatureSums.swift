public import Cluster
internal import Kernels

/// The mean of features that ranks see in parts: each lane is summed in double precision, lanes by the tree over
/// all lanes of the set, so that 1, 2, 4 … ranks give the same bits.
///
/// Holds `8 D` bytes a lane of the rank's share: 6 MB for 50,000 records of 512 features in lanes of 32.
public struct LaneFeatureSums {
    private let dimension: Int
    private let laneSize: Int
    private var sampleCount = 0
    /// Shape `[lanes, D]`.
    private var sums: [Double] = []

    public init(dimension: Int, laneSize: Int) {
        precondition(dimension >= 1 && laneSize >= 1, "\(dimension) features in lanes of \(laneSize)")
        self.dimension = dimension
        self.laneSize = laneSize
    }

    /// Adds the rank's next records.
    ///
    /// - Parameter features: Shape `[N, D]`.
    public mutating func add(_ features: Span<Float>) {
        precondition(
            features.count.isMultiple(of: dimension),
            "\(features.count) elements, no multiple of \(dimension) features")
        for start in stride(from: 0, to: features.count, by: dimension) {
            if sampleCount.isMultiple(of: laneSize) {
                sums += [Double](repeating: 0, count: dimension)
            }
            let lane = sums.count - dimension
            for j in 0..<dimension { sums[lane + j] += Double(features[start + j]) }
            sampleCount += 1
        }
    }

    /// The mean over the records of all ranks. Collective.
    ///
    /// - Returns: Shape `[D]`; NaN where no rank has a record.
    public func mean(on communicator: any Communicator) throws(MPIError) -> [Float] {
        var total = sum(of: 0..<sums.count / dimension)
        var totalSpan = total.mutableSpan
        try communicator.treeSum(&totalSpan)
        var count = [Int64(sampleCount)]
        var countSpan = count.mutableSpan
        try communicator.treeSum(&countSpan)
        return total.map { Float($0 / Double(count[0])) }
    }

    private func sum(of lanes: Range<Int>) -> [Double] {
        guard lanes.count > 1 else {
            return lanes.isEmpty
                ? [Double](repeating: 0, count: dimension)
                : Array(sums[lanes.lowerBound * dimension..<lanes.upperBound * dimension])
        }
        let middle = LaneTree.middle(of: lanes)
        var left = sum(of: lanes.lowerBound..<middle)
        let right = sum(of: middle..<lanes.upperBound)
        for j in left.indices { left[j] += right[j] }
        return left
    }
}
