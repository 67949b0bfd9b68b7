internal import Cluster

extension FeatureShare {
    /// The percentile of all features of all records of all ranks, between the two values next to its place as NumPy has it.
    ///
    /// Exact, and the same for any number of ranks: nothing is summed but counts. No feature is sent; each of the two values
    /// takes two messages of 65,536 counts. Collective.
    ///
    /// - Precondition: There are features, and none is NaN.
    func featurePercentile(_ percentile: Double, on communicator: any Communicator) throws(MPIError) -> Double
    {
        let count = try totalCount(on: communicator) * head.dimension
        let place = percentile / 100 * Double(count - 1)
        let lower = Int(place)
        let start = Double(try orderStatistic(lower, on: communicator))
        guard place > Double(lower) else { return start }
        let end = Double(try orderStatistic(lower + 1, on: communicator))
        return start + (end - start) * (place - Double(lower))
    }

    /// The feature at `place` of all in rising order: first the upper half of its bits is found, then the lower one.
    private func orderStatistic(_ place: Int, on communicator: any Communicator) throws(MPIError) -> Float {
        let (upper, below) = try bucket(of: place, on: communicator) { Int($0 >> 16) }
        let (lower, _) = try bucket(of: place - below, on: communicator) {
            $0 >> 16 == UInt32(upper) ? Int($0 & 0xFFFF) : nil
        }
        return Float(orderKey: UInt32(upper) << 16 | UInt32(lower))
    }

    /// The bucket that the value at `place` of those with a bucket falls in, and how many fall in those before it.
    private func bucket(
        of place: Int, on communicator: any Communicator, _ bucket: (UInt32) -> Int?
    ) throws(MPIError) -> (index: Int, below: Int) {
        var counts = [Int64](repeating: 0, count: 1 << 16)
        for feature in features {
            if let index = bucket(feature.orderKey) { counts[index] += 1 }
        }
        var span = counts.mutableSpan
        try communicator.treeSum(&span)
        var below = 0
        for (index, count) in counts.enumerated() {
            if below + Int(count) > place { return (index, below) }
            below += Int(count)
        }
        preconditionFailure("place \(place) of \(below) values")
    }
}

extension Float {
    /// Bits that rise with the value: IEEE's with the sign bit flipped for positive numbers, all bits for negative ones.
    fileprivate var orderKey: UInt32 { bitPattern >> 31 == 0 ? bitPattern | 1 << 31 : ~bitPattern }

    fileprivate init(orderKey key: UInt32) { self.init(bitPattern: key >> 31 == 1 ? key & ~(1 << 31) : ~key) }
}
