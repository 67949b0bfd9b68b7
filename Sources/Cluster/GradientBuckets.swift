/// How gradients are cut into sums across ranks: consecutive ranges that end where tensors end, in the order in which a
/// backward pass completes them, the last layers first.
public struct GradientBuckets: Equatable, Sendable {
    /// The elements of each bucket.
    public let ranges: [Range<Int>]
    /// Elements of each bucket that the pass has not completed.
    private var missing: [Int]

    /// Cuts `tensors` into buckets of about `byteCount` bytes.
    ///
    /// Nothing is left to hide the last sum behind, so the first layers, up to an eighth of a bucket, are one of their own.
    ///
    /// - Parameters:
    ///   - tensors: The elements of each tensor, one behind the other from 0.
    ///   - byteCount: A tensor that is larger is a bucket by itself.
    public init(tensors: [Range<Int>], byteCount: Int) {
        let capacity = max(byteCount / MemoryLayout<Float>.size, 1)
        let first = tensors.last { $0.upperBound <= capacity / 8 }?.upperBound ?? 0
        var ranges: [Range<Int>] = []
        var end = tensors.last?.upperBound ?? 0
        for tensor in tensors.reversed()
        where tensor.lowerBound < end && (end - tensor.lowerBound >= capacity || tensor.lowerBound == first) {
            ranges.append(tensor.lowerBound..<end)
            end = tensor.lowerBound
        }
        if end > 0 { ranges.append(0..<end) }
        self.ranges = ranges
        missing = ranges.map(\.count)
    }

    /// Begins a new pass.
    public mutating func begin() { missing = ranges.map(\.count) }

    /// Notes that the pass has set the elements `range`, each once.
    ///
    /// - Returns: The buckets that are whole now and were not before, in order.
    public mutating func complete(_ range: Range<Int>) -> [Int] {
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
