internal import Memory
package import Networks
package import Workers

/// A tensor's gradient with values that are NaN or infinite.
package struct NonFiniteGradient: Equatable {
    /// The tensor, named as in the state dictionary.
    package let name: String
    /// How many of its elements are NaN or infinite.
    package let count: Int
    /// Its elements.
    package let elements: Int

    package init(name: String, count: Int, elements: Int) {
        self.name = name
        self.count = count
        self.elements = elements
    }

    /// The first trained tensor of `store` whose gradient is not finite, counted; `nil` if all are
    /// finite.
    package static func first(in store: ParameterStore, on pool: WorkerPool) -> NonFiniteGradient? {
        let entries = store.trainedEntries
        let pieces = entries.enumerated().flatMap { index, entry in
            stride(from: entry.range.lowerBound, to: entry.range.upperBound, by: pieceCount).map {
                (tensor: index, range: $0..<min($0 + pieceCount, entry.range.upperBound))
            }
        }
        var counts = [Int](repeating: 0, count: pieces.count)
        withSpans(store.gradients) { gradients in
            var counts = counts.mutableSpan
            pool.split(&counts, every: 1) { $1[0] = nonFiniteCount(gradients.extracting(pieces[$0].range)) }
        }
        guard let first = counts.firstIndex(where: { $0 > 0 }).map({ pieces[$0].tensor }) else { return nil }
        let own = counts.indices.filter { pieces[$0].tensor == first }
        return NonFiniteGradient(
            name: entries[first].name, count: own.reduce(0) { $0 + counts[$1] },
            elements: entries[first].range.count)
    }

    private static let pieceCount = 16_384

    private static func nonFiniteCount(_ values: Span<Float>) -> Int {
        let exponent = Float.infinity.bitPattern
        var count: UInt32 = 0
        for i in values.indices { count &+= values[i].bitPattern & exponent == exponent ? 1 : 0 }
        return Int(count)
    }
}
