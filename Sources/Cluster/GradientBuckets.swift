/// The buckets in which gradients are summed over ranks: ranges that end at tensor boundaries, in
/// the order in which a backward pass completes them, the last layers first.
package struct GradientBuckets: Equatable, Sendable {
    /// The elements of each bucket.
    package let ranges: [Range<Int>]
    /// The number of elements of each bucket that the backward pass has not completed.
    private var missing: [Int]

    /// Cuts `tensors` into buckets of about `byteCount` bytes.
    ///
    /// No computation is left that could overlap the last sum, so the first layers, up to an eighth
    /// of a bucket, form a bucket of their own.
    ///
    /// - Parameters:
    ///   - tensors: The elements of each tensor, in rising order; what lies between them is not
    ///     summed.
    ///   - byteCount: A bucket is closed once it has this size; tensors are not split.
    package init(tensors: [Range<Int>], byteCount: Int) {
        let capacity = max(byteCount / MemoryLayout<Float>.size, 1)
        let start = tensors.first?.lowerBound ?? 0
        let first = tensors.last { $0.upperBound - start <= capacity / 8 }?.upperBound ?? start
        var ranges: [Range<Int>] = []
        var open: Range<Int>?
        for tensor in tensors.reversed() {
            if let bucket = open, bucket.lowerBound != tensor.upperBound {
                ranges.append(bucket)
                open = nil
            }
            let bucket = tensor.lowerBound..<(open?.upperBound ?? tensor.upperBound)
            let isFull = bucket.count >= capacity || tensor.lowerBound == first
            if isFull { ranges.append(bucket) }
            open = isFull ? nil : bucket
        }
        if let open { ranges.append(open) }
        self.ranges = ranges
        missing = ranges.map(\.count)
    }

    /// Begins a new backward pass.
    package mutating func begin() { missing = ranges.map(\.count) }

    /// Records that the backward pass has set the elements `range`; each element is set once.
    ///
    /// - Returns: The buckets that this call completes, in order.
    package mutating func complete(_ range: Range<Int>) -> [Int] {
        var whole: [Int] = []
        for (bucket, own) in ranges.enumerated() {
            let part = own.clamped(to: range)
            guard !part.isEmpty else { continue }
            missing[bucket] -= part.count
            precondition(missing[bucket] >= 0, "elements \(part) of bucket \(bucket) completed twice")
            if missing[bucket] == 0 { whole.append(bucket) }
        }
        return whole
    }
}
