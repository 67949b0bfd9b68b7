internal import Cluster
internal import Kernels

/// What a rank knows of its share of a set: features, logits and labels, kept for scores to be fitted on.
///
/// Takes `4 (D + K + 1)` bytes a record. The share is whole lanes of the set, so sums over records can follow the tree over all
/// of its lanes, and 1, 2, 4 … ranks give the same bits.
public struct FeatureShare: Sendable {
    /// The last layer.
    public let head: ScoringHead
    /// Records in a lane.
    public let laneSize: Int
    /// Raw, shape `[N, D]`.
    public private(set) var features: [Float] = []
    /// `head`'s, shape `[N, K]`.
    public private(set) var logits: [Float] = []
    /// Shape `[N]`.
    public private(set) var labels: [Int32] = []

    /// The rank's records.
    public var count: Int { labels.count }

    public init(head: ScoringHead, laneSize: Int) {
        precondition(laneSize >= 1, "lanes of \(laneSize)")
        self.head = head
        self.laneSize = laneSize
    }

    /// Adds the rank's next records.
    ///
    /// - Parameters:
    ///   - features: Shape `[N, D]`.
    ///   - logits: Shape `[N, K]`.
    ///   - labels: Shape `[N]`.
    public mutating func add(features: [Float], logits: [Float], labels: [Int32]) {
        precondition(
            features.count == labels.count * head.dimension && logits.count == labels.count * head.classes,
            "\(features.count) features and \(logits.count) logits for \(labels.count) labels")
        self.features += features
        self.logits += logits
        self.labels += labels
    }

    /// The share as scores look at it.
    var input: ScoreInput {
        @_lifetime(borrow self) get { ScoreInput(features: features.span, logits: logits.span, head: head) }
    }

    /// As `input`, with what an observation gave, shape `[N, W]`.
    @_lifetime(borrow self, borrow observed)
    func input(observed: borrowing [Float]) -> ScoreInput {
        ScoreInput(features: features.span, logits: logits.span, head: head, observed: observed.span)
    }

    /// The sum over the records of all ranks: each lane in the order of its records, lanes by the tree. Collective.
    ///
    /// - Parameters:
    ///   - width: How many values are summed.
    ///   - addRecords: Adds what records of one lane give; they are named by their place in the share.
    func treeSum(
        width: Int, on communicator: any Communicator,
        _ addRecords: (_ records: Range<Int>, _ sums: inout [Double]) -> Void
    ) throws(MPIError) -> [Double] {
        var sums = sum(of: 0..<(count + laneSize - 1) / laneSize, width, addRecords)
        var span = sums.mutableSpan
        try communicator.treeSum(&span)
        return sums
    }

    private func sum(
        of lanes: Range<Int>, _ width: Int, _ addRecords: (Range<Int>, inout [Double]) -> Void
    ) -> [Double] {
        guard lanes.count > 1 else {
            var sums = [Double](repeating: lanes.isEmpty ? -0.0 : 0, count: width)
            if let lane = lanes.first {
                addRecords(lane * laneSize..<min((lane + 1) * laneSize, count), &sums)
            }
            return sums
        }
        let middle = LaneTree.middle(of: lanes)
        var left = sum(of: lanes.lowerBound..<middle, width, addRecords)
        let right = sum(of: middle..<lanes.upperBound, width, addRecords)
        for j in left.indices { left[j] += right[j] }
        return left
    }

    /// The records of all ranks; collective.
    func totalCount(on communicator: any Communicator) throws(MPIError) -> Int {
        var total = [Int64(count)]
        var span = total.mutableSpan
        try communicator.treeSum(&span)
        return Int(total[0])
    }
}

extension FeatureShare {
    /// The same records with other features, and no logits worth anything.
    ///
    /// - Parameter features: Shape `[N, dimension]`.
    func replacingFeatures(_ features: [Float], dimension: Int) -> FeatureShare {
        var result = FeatureShare(
            head: ScoringHead(
                weights: [Float](repeating: 0, count: dimension * head.classes),
                bias: [Float](repeating: 0, count: head.classes)), laneSize: laneSize)
        result.add(features: features, logits: logits, labels: labels)
        return result
    }
}
