/// The most frequent value among a score's confidences; nothing ranks the samples that share it.
package struct Ties: Equatable, Codable, Sendable {
    /// The most frequent confidence; the smallest one if several are equally frequent.
    package var value: Double
    /// How many confidences equal `value`.
    package var count: Int
    /// How many confidences there are.
    package var total: Int
    /// How many distinct confidences there are.
    package var distinctCount: Int

    /// - Parameter confidences: Finite, at least one.
    package init(_ confidences: [Double]) {
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

    /// The fraction of confidences that equal `value`, from 0 to 1.
    package var share: Double { Double(count) / Double(total) }
}
