package import Cluster
internal import Kernels
internal import Numerics

/// A rank's shard of a set: the features, logits and labels that scores are fitted on.
///
/// Takes `4 (D + K + 1)` bytes per record. The shard consists of whole microbatches of the set, so
/// sums over records can follow the reduction tree over all microbatches of the set, and 1, 2, 4 …
/// ranks give the same bits.
package struct FeatureShard: Sendable {
    /// The last layer.
    package let head: ScoringHead
    /// Records in a microbatch.
    package let microbatchSize: Int
    /// Raw features, shape `[N, D]`.
    package private(set) var features: [Float] = []
    /// `head`'s logits, shape `[N, K]`.
    package private(set) var logits: [Float] = []
    /// Shape `[N]`.
    package private(set) var labels: [Int32] = []

    /// The number of the rank's records.
    package var count: Int { labels.count }

    package init(head: ScoringHead, microbatchSize: Int) {
        precondition(microbatchSize >= 1, "microbatches of \(microbatchSize)")
        self.head = head
        self.microbatchSize = microbatchSize
    }

    /// Adds the rank's next records.
    ///
    /// - Parameters:
    ///   - features: Shape `[N, D]`.
    ///   - logits: Shape `[N, K]`.
    ///   - labels: Shape `[N]`.
    package mutating func add(features: [Float], logits: [Float], labels: [Int32]) {
        precondition(
            features.count == labels.count * head.dimension && logits.count == labels.count * head.classes,
            "\(features.count) features and \(logits.count) logits for \(labels.count) labels")
        self.features += features
        self.logits += logits
        self.labels += labels
    }

    /// The shard as the input of a score.
    package var input: ScoreInput {
        @_lifetime(borrow self) get { ScoreInput(features: features.span, logits: logits.span, head: head) }
    }

    /// As `input`, with the values that a probe captured, shape `[N, W]`.
    @_lifetime(borrow self, borrow captured)
    package func input(captured: borrowing [Float]) -> ScoreInput {
        ScoreInput(features: features.span, logits: logits.span, head: head, captured: captured.span)
    }

    /// The sum over the records of all ranks. Records of a microbatch are summed in order,
    /// microbatches along the reduction tree. Collective.
    ///
    /// - Parameters:
    ///   - width: How many values are summed.
    ///   - addRecords: Adds the values of a microbatch's records, which are given by their indices
    ///     in the shard.
    package func treeSum(
        width: Int, on communicator: any Communicator,
        _ addRecords: (_ records: Range<Int>, _ sums: inout [Double]) -> Void
    ) throws(MPIError) -> [Double] {
        var sums = sum(of: 0..<(count + microbatchSize - 1) / microbatchSize, width, addRecords)
        var span = sums.mutableSpan
        try communicator.treeSum(&span)
        return sums
    }

    private func sum(
        of microbatches: Range<Int>, _ width: Int, _ addRecords: (Range<Int>, inout [Double]) -> Void
    ) -> [Double] {
        guard microbatches.count > 1 else {
            var sums = [Double](repeating: microbatches.isEmpty ? -0.0 : 0, count: width)
            if let microbatch = microbatches.first {
                addRecords(microbatch * microbatchSize..<min((microbatch + 1) * microbatchSize, count), &sums)
            }
            return sums
        }
        let middle = ReductionTree.middle(of: microbatches)
        var left = sum(of: microbatches.lowerBound..<middle, width, addRecords)
        let right = sum(of: middle..<microbatches.upperBound, width, addRecords)
        for j in left.indices { left[j] += right[j] }
        return left
    }

    /// The number of records of all ranks. Collective.
    package func totalCount(on communicator: any Communicator) throws(MPIError) -> Int {
        var total = [Int64(count)]
        var span = total.mutableSpan
        try communicator.treeSum(&span)
        return Int(total[0])
    }
}

extension FeatureShard {
    /// The same records with other features; the logits do not belong to them and must not be used.
    ///
    /// - Parameter features: Shape `[N, dimension]`.
    package func replacingFeatures(_ features: [Float], dimension: Int) -> FeatureShard {
        var result = FeatureShard(
            head: ScoringHead(
                weights: [Float](repeating: 0, count: dimension * head.classes),
                bias: [Float](repeating: 0, count: head.classes)), microbatchSize: microbatchSize)
        result.add(features: features, logits: logits, labels: labels)
        return result
    }
}
