internal import Memory

/// Overwrites `product` with `left · right`, on this thread.
///
/// `product[m, n] = sum over k of left[m, k] · right[k, n]`, all row-major and dense. Each element
/// is one chain of fused multiply-adds over k in order, so its bits depend on its row and its
/// column alone, neither on M and N nor on the processor.
///
/// - Parameters:
///   - left: Shape `[M, K]`.
///   - right: Shape `[K, N]`.
///   - product: Shape `[M, N]`.
///   - scratch: At least `matrixProductScratchCount` floats; overwritten.
package func matrixProduct(
    _ left: borrowing StoredMatrix, _ right: borrowing StoredMatrix,
    into product: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) {
    let (m, n, k) = (left.rows, right.columns, left.columns)
    precondition(
        right.rows == k && product.count == m * n,
        "[\(m), \(k)] × [\(right.rows), \(n)] into \(product.count) elements")
    precondition(
        scratch.count >= matrixProductScratchCount,
        "\(scratch.count) floats of scratch memory, expected \(matrixProductScratchCount)")
    if k == 0 { product.update(repeating: 0) }
    for row in stride(from: 0, to: m, by: Block.rows) {
        let rows = row..<min(row + Block.rows, m)
        for start in stride(from: 0, to: k, by: Block.inner) {
            let inner = start..<min(start + Block.inner, k)
            var tiles = scratch.part(Block.left)
            left.packRowTiles(rows, inner, into: &tiles)
            for column in stride(from: 0, to: n, by: Block.columns) {
                let columns = column..<min(column + Block.columns, n)
                multiply(right, rows: rows, columns: columns, inner: inner, into: &product, scratch: &scratch)
            }
        }
    }
}

/// Floats of scratch memory for a product of any shape.
package var matrixProductScratchCount: Int { Block.right.upperBound }

/// Sizes of the packed blocks; a block of each operand stays in the L2 cache.
private enum Block {
    static let rows = 112
    static let columns = 128
    static let inner = 256

    /// Ranges of the row tiles and the panels in the scratch memory.
    static var left: Range<Int> { 0..<rowTileCount(rows: rows, inner: inner) }
    static var right: Range<Int> { left.upperBound..<left.upperBound + columns * inner }
}

/// Overwrites a block of the product, or continues its chains if `inner` does not begin at 0. The
/// row tiles are already packed.
private func multiply(
    _ right: borrowing StoredMatrix, rows: Range<Int>, columns: Range<Int>, inner: Range<Int>,
    into product: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) {
    let depth = paddedToVectors(inner.count)
    var panels = scratch.part(Block.right)
    right.packPanels(inner, columns, into: &panels)
    let n = right.columns
    let whole = columns.count / vectorWidth * vectorWidth
    let goesOn = inner.lowerBound > 0
    if whole > 0 {
        var own = product.part(rows.lowerBound * n + columns.lowerBound..<product.count)
        multiplyTiles(
            scratch.span.extracting(Block.left), scratch.span.extracting(Block.right),
            panelStride: depth * vectorWidth, inner: depth, into: &own,
            ProductBlock(rows: rows.count, columns: whole, stride: n, accumulates: goesOn))
    }
    guard whole < columns.count else { return }
    // A tile writes whole vectors, so the last columns are computed in a buffer of their own.
    let rest = columns.lowerBound + whole..<columns.upperBound
    var panel = InlineArray<1_792, Float>(repeating: 0)
    var edge = panel.mutableSpan
    if goesOn {
        for (line, row) in rows.enumerated() {
            for (place, column) in rest.enumerated() {
                edge[line * vectorWidth + place] = product[row * n + column]
            }
        }
    }
    multiplyTiles(
        scratch.span.extracting(Block.left),
        scratch.span.extracting(Block.right.lowerBound + whole * depth..<Block.right.upperBound),
        panelStride: depth * vectorWidth, inner: depth, into: &edge,
        ProductBlock(
            rows: rows.count, columns: vectorWidth, stride: vectorWidth, accumulates: goesOn))
    for (line, row) in rows.enumerated() {
        for (place, column) in rest.enumerated() {
            product[row * n + column] = edge[line * vectorWidth + place]
        }
    }
}
