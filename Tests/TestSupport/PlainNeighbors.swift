/// The specification of `FlatL2Index`: all squared distances of each query in rising order, in
/// double precision.
///
/// - Parameters:
///   - queries: Shape `[Q, dimension]`.
///   - rows: Shape `[N, dimension]`.
/// - Returns: Shape `[Q][N]`.
package func plainDistances(of queries: [Float], to rows: [Float], dimension: Int) -> [[Double]] {
    stride(from: 0, to: queries.count, by: dimension).map { query in
        stride(from: 0, to: rows.count, by: dimension).map { row in
            (0..<dimension).reduce(0.0) { sum, j in
                let step = Double(queries[query + j]) - Double(rows[row + j])
                return sum + step * step
            }
        }.sorted()
    }
}
