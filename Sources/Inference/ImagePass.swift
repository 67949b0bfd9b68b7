package import Memory

/// A rank's images of a set, which can be read again to capture values that a shard does not hold.
package struct ImagePass {
    /// Receives images, shape `[count, H, W, 3]`, and their number.
    package typealias Body = (_ images: borrowing Buffer<Float>, _ count: Int) throws -> Void

    package let network: InspectedNetwork
    /// The index in the set of the rank's first record.
    package let firstRecord: Int
    private let forEachBatch: (Body) throws -> Void

    /// - Parameters:
    ///   - firstRecord: The index in the set of the rank's first record.
    ///   - forEachBatch: Calls its argument for each batch of the rank's records, in order. It is
    ///     collective; if it throws on one rank, it throws on all.
    package init(_ network: InspectedNetwork, firstRecord: Int, forEachBatch: @escaping (Body) throws -> Void)
    {
        self.network = network
        self.firstRecord = firstRecord
        self.forEachBatch = forEachBatch
    }

    /// Captures `probe` on each batch and calls `body` with the values. Collective.
    ///
    /// - Parameters:
    ///   - shard: Features and logits of the same records.
    ///   - body: Receives the records, as indices in the shard, and their captured values, shape
    ///     `[records.count, W]`.
    package func forEachCapturedBatch(
        _ probe: any NetworkProbe, _ shard: FeatureShard,
        _ body: (_ records: Range<Int>, _ values: [Float]) throws -> Void
    ) throws {
        var first = 0
        try forEachBatch { images, count in
            let records = first..<first + count
            try body(records, try shard.capture(probe, records, images: images, in: network))
            first += count
        }
    }
}

extension FeatureShard {
    fileprivate func capture(
        _ probe: any NetworkProbe, _ records: Range<Int>, images: borrowing Buffer<Float>,
        in network: InspectedNetwork
    ) throws -> [Float] {
        let whole = input
        return try network.capture(probe, images: images, whole.samples(records))
    }
}
