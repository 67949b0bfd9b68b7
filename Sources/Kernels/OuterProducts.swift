internal import COpenBLAS

/// Adds the sum of the rows' outer products with themselves: `sums += rowsᵀ · rows`, in double precision.
///
/// - Parameters:
///   - rows: Shape `[R, D]`.
///   - sums: Shape `[D, D]`, of which the upper triangle is changed.
public func accumulateOuterProducts(of rows: Span<Double>, into sums: inout MutableSpan<Double>) {
    let dimension = Int(Double(sums.count).squareRoot())
    precondition(
        dimension * dimension == sums.count && dimension >= 1 && rows.count.isMultiple(of: dimension),
        "rows of \(rows.count) elements into \(sums.count) sums")
    guard !rows.isEmpty else { return }
    unsafe sums.withUnsafeMutableBufferPointer { c in
        unsafe rows.withUnsafeBufferPointer { a in
            unsafe cblas_dsyrk(
                CblasRowMajor, CblasUpper, CblasTrans, Int32(dimension), Int32(a.count / dimension), 1,
                a.baseAddress, Int32(dimension), 1, c.baseAddress, Int32(dimension))
        }
    }
}
