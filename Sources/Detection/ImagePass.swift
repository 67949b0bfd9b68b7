public import Kernels

/// A rank's images of a set, to be gone through again for what a share does not hold.
public struct ImagePass {
    /// Gets images, shape `[count, H, W, 3]`, and how many there are.
    public typealias Body = (_ images: borrowing Buffer<Float>, _ count: Int) throws -> Void

    let network: InspectedNetwork
    /// The place in the set of the rank's first record.
    let firstRecord: Int
    private let forEachBatch: (Body) throws -> Void

    /// - Parameters:
    ///   - firstRecord: The place in the set of the rank's first record.
    ///   - forEachBatch: Calls its argument for each batch of the rank's records, in order; collective, and where it throws on one
    ///     rank it throws on all.
    public init(_ network: InspectedNetwork, firstRecord: Int, forEachBatch: @escaping (Body) throws -> Void)
    {
        self.network = network
        self.firstRecord = firstRecord
        self.forEachBatch = forEachBatch
    }

    /// Calls `body` for each batch with what was observed. Collective.
    ///
    /// - Parameters:
    ///   - share: Features and logits of the same records.
    ///   - body: Gets the records, by their place in the share, and shape `[records.count, W]`.
    func forEachObservation(
        _ observation: any Observation, _ share: FeatureShare,
        _ body: (_ records: Range<Int>, _ values: [Float]) throws -> Void
    ) throws {
        var first = 0
        try forEachBatch { images, count in
            let records = first..<first + count
            try body(records, try share.observe(observation, records, images: images, in: network))
            first += count
        }
    }
}

extension FeatureShare {
    fileprivate func observe(
        _ observation: any Observation, _ records: Range<Int>, images: borrowing Buffer<Float>,
        in network: InspectedNetwork
    ) throws -> [Float] {
        let whole = input
        return try network.observe(observation, images: images, whole.samples(records))
    }
}
