/// Adds the sum of the rows' outer products with themselves: `sums += rowsᵀ · rows`, in double
/// precision.
///
/// Each element is one chain of fused multiply-adds over the rows, in order, starting from its old
/// value. So it has the same bits on every processor, and however the rows are split into calls.
/// The plain twin is `Tests/TestSupport/PlainOuterProducts.swift`.
///
/// - Parameters:
///   - rows: Shape `[R, D]`.
///   - sums: Shape `[D, D]`, of which the upper triangle is changed.
package func accumulateOuterProducts(of rows: Span<Double>, into sums: inout MutableSpan<Double>) {
    let dimension = Int(Double(sums.count).squareRoot())
    precondition(
        dimension * dimension == sums.count && dimension >= 1 && rows.count.isMultiple(of: dimension),
        "rows of \(rows.count) elements into \(sums.count) sums")
    let count = rows.count / dimension
    // Panels of 128 rows: the two that a tile reads stay in the L1 cache.
    let depth = min(count, 128)
    let width = doubleTileColumns
    let panelCount = (dimension + width - 1) / width
    var panels = [Double](repeating: 0, count: panelCount * depth * width)
    for first in stride(from: 0, to: count, by: max(depth, 1)) {
        let part = min(depth, count - first)
        var target = panels.mutableSpan
        for panel in 0..<panelCount {
            let column = panel * width
            for row in 0..<part {
                let source = (first + row) * dimension + column
                let place = (panel * depth + row) * width
                for c in 0..<min(width, dimension - column) { target[place + c] = rows[source + c] }
            }
        }
        addUpperTiles(panels.span, depth: depth, count: part, dimension: dimension, into: &sums)
    }
}

/// Adds the outer products of packed rows to the upper triangle.
///
/// - Parameters:
///   - panels: Shape `[⌈dimension / doubleTileColumns⌉, depth, doubleTileColumns]`, of which the
///     first `count` rows are used.
private func addUpperTiles(
    _ panels: Span<Double>, depth: Int, count: Int, dimension: Int, into sums: inout MutableSpan<Double>
) {
    let (height, width) = (doubleTileRows, doubleTileColumns)
    var edge = [Double](repeating: 0, count: height * width)
    unsafe sums.withUnsafeMutableBufferPointer { sums in
        unsafe panels.withUnsafeBufferPointer { panels in
            unsafe edge.withUnsafeMutableBufferPointer { edge in
                let sums = unsafe sums.baseAddress.unsafelyUnwrapped
                let panels = unsafe panels.baseAddress.unsafelyUnwrapped
                let edge = unsafe edge.baseAddress.unsafelyUnwrapped
                // Loops along a row of tiles, since a column of tiles would touch another page in
                // each row of `sums`.
                for row in stride(from: 0, to: dimension, by: height) {
                    let left = unsafe panels + row / width * (depth * width) + row % width
                    for column in stride(from: row / width * width, to: dimension, by: width) {
                        let right = unsafe panels + column * depth
                        let target = unsafe sums + row * dimension + column
                        guard row + height > column + 1 || column + width > dimension else {
                            unsafe addOuterProductTile(
                                left, right, operandStride: width, count: count, into: target,
                                stride: dimension)
                            continue
                        }
                        // A tile that crosses the diagonal or the border: only elements of the
                        // upper triangle are written back.
                        let columns = min(width, dimension - column)
                        for r in 0..<min(height, dimension - row) {
                            for c in min(max(row + r - column, 0), columns)..<columns {
                                unsafe edge[r * width + c] = target[r * dimension + c]
                            }
                        }
                        unsafe addOuterProductTile(
                            left, right, operandStride: width, count: count, into: edge, stride: width)
                        for r in 0..<min(height, dimension - row) {
                            for c in min(max(row + r - column, 0), columns)..<columns {
                                unsafe target[r * dimension + c] = edge[r * width + c]
                            }
                        }
                    }
                }
            }
        }
    }
}
