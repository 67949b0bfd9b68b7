/// How many of a score's confidences are one number, so that nothing ranks them.
public struct Ties: Equatable, Codable, Sendable {
    /// The number that most confidences are; the smallest of those that equally many are.
    public var value: Double
    /// How many are that number.
    public var count: Int
    /// How many confidences there are.
    public var total: Int
    /// How many different ones.
    public var distinctCount: Int

    /// - Parameter confidences: Finite, at least one.
    public init(_ confidences: [Double]) {
        precondition(!confidences.isEmpty, "the ties of no confidences")
        let sorted = confidences.sorted()
        (value, count, total, distinctCount) = (sorted[0], 0, sorted.count, 0)
        var start = 0
        for place in sorted.indices where place + 1 == sorted.count || sorted[place + 1] != sorted[place] {
            distinctCount += 1
            if place + 1 - start > count { (value, count) = (sorted[place], place + 1 - start) }
            start = place + 1
        }
    }

    /// The part of the confidences that are `value`, from 0 to 1.
    public var share: Double { Double(count) / Double(total) }
}
