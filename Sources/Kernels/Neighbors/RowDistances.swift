/// Computes squared distances of queries and index rows, given by their numbers.
struct RowDistances: ~Escapable {
    /// Shape `[Q, inner]`.
    private let queries: Span<Float>
    /// Shape `[N, inner]`.
    private let rows: Span<Float>
    private let inner: Int

    @_lifetime(copy queries, copy rows)
    init(queries: Span<Float>, rows: Span<Float>, inner: Int) {
        self.queries = queries
        self.rows = rows
        self.inner = inner
    }

    var rowCount: Int { rows.count / inner }

    @inline(__always)
    func callAsFunction(_ query: Int, _ row: Int) -> Float {
        squaredDistance(
            queries.extracting(query * inner..<(query + 1) * inner),
            rows.extracting(row * inner..<(row + 1) * inner))
    }
}

/// `Σ (aⱼ − bⱼ)²` in four chains of vectors.
///
/// - Precondition: Both have the same number of elements, a multiple of 16.
@inline(__always)
private func squaredDistance(_ left: Span<Float>, _ right: Span<Float>) -> Float {
    var (first, second, third, fourth) = (Vector(), Vector(), Vector(), Vector())
    let count = left.count
    var j = 0
    while j + 64 <= count {
        let (a, b) = (
            left.vector(at: j) - right.vector(at: j), left.vector(at: j + 16) - right.vector(at: j + 16)
        )
        let (c, d) = (
            left.vector(at: j + 32) - right.vector(at: j + 32),
            left.vector(at: j + 48) - right.vector(at: j + 48)
        )
        first = first.addingProduct(a, a)
        second = second.addingProduct(b, b)
        third = third.addingProduct(c, c)
        fourth = fourth.addingProduct(d, d)
        j += 64
    }
    while j < count {
        let a = left.vector(at: j) - right.vector(at: j)
        first = first.addingProduct(a, a)
        j += 16
    }
    let sums = (first + second) + (third + fourth)
    let eight = sums.lowHalf + sums.highHalf
    let four = eight.lowHalf + eight.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
}
