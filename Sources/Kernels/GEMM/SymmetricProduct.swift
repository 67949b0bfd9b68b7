/// Overwrites `product` with `A · x` of a symmetric `A`, each element of which is read once.
///
/// For row `i` in the diagonal square of rows `b..<b + 8`, element `i` is the sum, in this order,
/// of one chain over the rows before `b`, one chain over the rows of the square, and the
/// `dotProduct` of the rest of row `i` with `x`; the second and the third are added first.
///
/// - Parameters:
///   - matrix: Shape `[stride, stride]`: the upper triangle, and both triangles of the 8×8 squares
///     on the diagonal.
///   - stride: A multiple of 8.
///   - start: A multiple of 8; before it `x` is 0 and `product` stays unchanged.
///   - x: Shape `[stride]`.
///   - product: Shape `[stride]`.
func multiplySymmetric(
    _ matrix: Span<Double>, stride: Int, from start: Int, by x: Span<Double>,
    into product: inout MutableSpan<Double>
) {
    precondition(
        matrix.count == stride * stride && stride.isMultiple(of: 8) && start.isMultiple(of: 8)
            && x.count == stride && product.count == stride,
        "\(matrix.count) elements by \(x.count) into \(product.count) from \(start) on")
    for j in Swift.stride(from: start, to: stride, by: 8) { product.store(DoubleVector(), at: j) }
    for i in Swift.stride(from: start, to: stride, by: 8) {
        var square = DoubleVector()
        for r in i..<i + 8 {
            square = square.addingProduct(x.element(at: r), matrix.vector(at: r * stride + i))
        }
        // Four rows at a time: their sums fit in the registers of AVX2.
        let low = addFourRows(matrix, i * stride, stride, from: i + 8, x, at: i, into: &product)
        let high = addFourRows(matrix, (i + 4) * stride, stride, from: i + 8, x, at: i + 4, into: &product)
        square += DoubleVector(lowHalf: low, highHalf: high)
        product.accumulate(square, at: i)
    }
}

/// Adds the products of four rows with their elements of `x` to `product`.
///
/// - Parameters:
///   - place: The first row's place in `matrix`.
///   - start: The rows' first column.
///   - index: The first row's element of `x`.
/// - Returns: The dot product of each row with `x`.
@inline(__always)
private func addFourRows(
    _ matrix: Span<Double>, _ place: Int, _ stride: Int, from start: Int, _ x: Span<Double>, at index: Int,
    into product: inout MutableSpan<Double>
) -> SIMD4<Double> {
    let x0 = x.element(at: index)
    let x1 = x.element(at: index + 1)
    let x2 = x.element(at: index + 2)
    let x3 = x.element(at: index + 3)
    var s0 = DoubleVector()
    var s1 = DoubleVector()
    var s2 = DoubleVector()
    var s3 = DoubleVector()
    for j in Swift.stride(from: start, to: stride, by: 8) {
        let r0 = matrix.vector(at: place &+ j)
        let r1 = matrix.vector(at: place &+ stride &+ j)
        let r2 = matrix.vector(at: place &+ 2 &* stride &+ j)
        let r3 = matrix.vector(at: place &+ 3 &* stride &+ j)
        let xj = x.vector(at: j)
        s0 = s0.addingProduct(r0, xj)
        s1 = s1.addingProduct(r1, xj)
        s2 = s2.addingProduct(r2, xj)
        s3 = s3.addingProduct(r3, xj)
        let sum = product.vector(at: j).addingProduct(x0, r0).addingProduct(x1, r1)
        product.store(sum.addingProduct(x2, r2).addingProduct(x3, r3), at: j)
    }
    return SIMD4(s0.treeSum, s1.treeSum, s2.treeSum, s3.treeSum)
}
