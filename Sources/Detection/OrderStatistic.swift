internal import Cluster
internal import Inference

extension FeatureShard {
    /// The percentile of all features of all ranks' records, linearly interpolated between order
    /// statistics as in NumPy.
    ///
    /// The result is exact and the same for any number of ranks, because only counts are summed. No
    /// feature is sent; each of the two order statistics takes two all-reduces of 65,536 counts.
    /// Collective.
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

    /// The feature at index `place` in ascending order. The upper half of its bits is determined
    /// first, then the lower half.
    private func orderStatistic(_ place: Int, on communicator: any Communicator) throws(MPIError) -> Float {
        let (upper, below) = try bucket(of: place, on: communicator) { Int($0 >> 16) }
        let (lower, _) = try bucket(of: place - below, on: communicator) {
            $0 >> 16 == UInt32(upper) ? Int($0 & 0xFFFF) : nil
        }
        return Float(orderKey: UInt32(upper) << 16 | UInt32(lower))
    }

    /// The bucket of the value at index `place`, counted among the values that have a bucket, and
    /// the number of values in earlier buckets.
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
    /// An integer that orders like the value: the IEEE bit pattern with the sign bit flipped for
    /// positive numbers and all bits flipped for negative ones.
    fileprivate var orderKey: UInt32 { bitPattern >> 31 == 0 ? bitPattern | 1 << 31 : ~bitPattern }

    fileprivate init(orderKey key: UInt32) { self.init(bitPattern: key >> 31 == 1 ? key & ~(1 << 31) : ~key) }
}
