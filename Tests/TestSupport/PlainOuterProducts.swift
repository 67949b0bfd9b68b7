/// The specification of `accumulateOuterProducts`, to the bit.
///
/// - Parameters:
///   - rows: Shape `[R, D]`.
///   - sums: Shape `[D, D]`.
package func plainOuterProducts(of rows: [Double], addedTo sums: [Double], dimension: Int) -> [Double] {
    var result = sums
    for r in 0..<rows.count / dimension {
        for i in 0..<dimension {
            for j in i..<dimension {
                result[i * dimension + j].addProduct(rows[r * dimension + i], rows[r * dimension + j])
            }
        }
    }
    return result
}
