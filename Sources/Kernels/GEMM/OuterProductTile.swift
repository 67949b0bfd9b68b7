internal import CProcessor

// Register tiles of products that sum over rows; the order of operations is that of
// `MatrixTile.swift`.

/// Rows of a tile of an outer product: 8×32 or 4×16.
private var outerRows: Int {
    @inline(__always) get { buildHasAVX512 ? 8 : 4 }
}

/// Memory layout of the rows of an outer product's operands.
struct OuterRows {
    /// Number of rows, over which the products are summed.
    let count: Int
    /// Elements from sixteen columns of a row to its next sixteen, in both operands.
    let panelStride: Int
    /// Number of rows that are sixteen elements apart, before a jump to the next ones.
    let segment: Int
    let leftJump: Int
    let rightJump: Int

    /// Panels, shape `[columns / 16, panelStride]`; each begins with its `[count, 16]` elements.
    init(panelsOf count: Int, panelStride: Int) {
        self.count = count
        self.panelStride = panelStride
        segment = count
        leftJump = 0
        rightJump = 0
    }

    /// Row tiles, shape `[⌈count / tileRows⌉, columns / 16, tileRows, 16]`.
    init(tilesOf count: Int, leftColumns: Int, rightColumns: Int) {
        self.count = count
        panelStride = tileRows * vectorWidth
        segment = tileRows
        leftJump = tileRows * (leftColumns - vectorWidth)
        rightJump = tileRows * (rightColumns - vectorWidth)
    }

    /// Smallest number of elements of an operand with `columns` columns.
    func operandCount(columns: Int, jump: Int) -> Int {
        (columns / vectorWidth - 1) * panelStride + count * vectorWidth + (count - 1) / segment * jump
    }
}

/// Overwrites `product` with `leftᵀ · right`, or adds to it.
///
/// The sum over `operands.count` rows is computed first, then added, so a long sum is computed in
/// parts.
///
/// - Parameters:
///   - left: `rows` columns.
///   - right: `columns` columns.
///   - rows: A multiple of 16.
///   - columns: A multiple of 16.
///   - product: Shape `[rows, stride]`.
func multiplyOuter(
    _ left: Span<Float>, _ right: Span<Float>, _ operands: OuterRows, rows: Int, columns: Int,
    into product: inout MutableSpan<Float>, stride: Int, accumulates: Bool
) {
    precondition(
        rows.isMultiple(of: 16) && columns.isMultiple(of: 16) && operands.count >= 1
            && left.count >= operands.operandCount(columns: rows, jump: operands.leftJump)
            && right.count >= operands.operandCount(columns: columns, jump: operands.rightJump)
            && product.count >= (rows - 1) * stride + columns,
        "\(left.count) × \(right.count) into \(product.count) elements as [\(operands.count), \(rows)]ᵀ × [\(operands.count), \(columns)]"
    )
    unsafe product.withUnsafeMutableBufferPointer { product in
        unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBufferPointer { right in
                let product = unsafe product.baseAddress.unsafelyUnwrapped
                let left = unsafe left.baseAddress.unsafelyUnwrapped
                let right = unsafe right.baseAddress.unsafelyUnwrapped
                let width = buildHasAVX512 ? 32 : 16
                for column in Swift.stride(from: 0, to: columns, by: width) {
                    let panel = unsafe right + column / 16 * operands.panelStride
                    for row in Swift.stride(from: 0, to: rows, by: outerRows) {
                        let part = unsafe left + row / 16 * operands.panelStride + row % 16
                        let target = unsafe product + row * stride + column
                        if !buildHasAVX512 {
                            unsafe outer4x16(
                                part, panel, operands, target, stride: stride, accumulates: accumulates)
                        } else if column + 32 <= columns {
                            unsafe outer8x32(
                                part, panel, operands, target, stride: stride, accumulates: accumulates)
                        } else {
                            unsafe outer8x16(
                                part, panel, operands, target, stride: stride, accumulates: accumulates)
                        }
                    }
                }
            }
        }
    }
}

// MARK: - Tiles

/// Eight rows by two panels.
private func outer8x32(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ operands: OuterRows,
    _ product: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool
) {
    var left = unsafe left
    var right = unsafe right
    var r0 = WideRow()
    var r1 = WideRow()
    var r2 = WideRow()
    var r3 = WideRow()
    var r4 = WideRow()
    var r5 = WideRow()
    var r6 = WideRow()
    var r7 = WideRow()
    if accumulates {
        for row in 0..<8 {
            unsafe prefetchLine(product + row * stride)
            unsafe prefetchLine(product + row * stride + 16)
        }
    }
    var remaining = operands.count
    while remaining > 0 {
        for _ in 0..<min(remaining, operands.segment) {
            let b = unsafe WideRow(right, operands.panelStride)
            unsafe r0.add(left[0], b)
            unsafe r1.add(left[1], b)
            unsafe r2.add(left[2], b)
            unsafe r3.add(left[3], b)
            unsafe r4.add(left[4], b)
            unsafe r5.add(left[5], b)
            unsafe r6.add(left[6], b)
            unsafe r7.add(left[7], b)
            unsafe left += 16
            unsafe right += 16
        }
        unsafe left += operands.leftJump
        unsafe right += operands.rightJump
        remaining -= operands.segment
    }
    unsafe r0.addTo(product + 0 * stride, accumulates)
    unsafe r1.addTo(product + 1 * stride, accumulates)
    unsafe r2.addTo(product + 2 * stride, accumulates)
    unsafe r3.addTo(product + 3 * stride, accumulates)
    unsafe r4.addTo(product + 4 * stride, accumulates)
    unsafe r5.addTo(product + 5 * stride, accumulates)
    unsafe r6.addTo(product + 6 * stride, accumulates)
    unsafe r7.addTo(product + 7 * stride, accumulates)
}

/// Eight rows by one panel.
private func outer8x16(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ operands: OuterRows,
    _ product: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool
) {
    var left = unsafe left
    var right = unsafe right
    var r0 = NarrowRow()
    var r1 = NarrowRow()
    var r2 = NarrowRow()
    var r3 = NarrowRow()
    var r4 = NarrowRow()
    var r5 = NarrowRow()
    var r6 = NarrowRow()
    var r7 = NarrowRow()
    var remaining = operands.count
    while remaining > 0 {
        for _ in 0..<min(remaining, operands.segment) {
            let b = unsafe NarrowRow(right, operands.panelStride)
            unsafe r0.add(left[0], b)
            unsafe r1.add(left[1], b)
            unsafe r2.add(left[2], b)
            unsafe r3.add(left[3], b)
            unsafe r4.add(left[4], b)
            unsafe r5.add(left[5], b)
            unsafe r6.add(left[6], b)
            unsafe r7.add(left[7], b)
            unsafe left += 16
            unsafe right += 16
        }
        unsafe left += operands.leftJump
        unsafe right += operands.rightJump
        remaining -= operands.segment
    }
    unsafe r0.addTo(product + 0 * stride, accumulates)
    unsafe r1.addTo(product + 1 * stride, accumulates)
    unsafe r2.addTo(product + 2 * stride, accumulates)
    unsafe r3.addTo(product + 3 * stride, accumulates)
    unsafe r4.addTo(product + 4 * stride, accumulates)
    unsafe r5.addTo(product + 5 * stride, accumulates)
    unsafe r6.addTo(product + 6 * stride, accumulates)
    unsafe r7.addTo(product + 7 * stride, accumulates)
}

/// Four rows by one panel; 8 of 16 registers of AVX2 are accumulators.
private func outer4x16(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ operands: OuterRows,
    _ product: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool
) {
    var left = unsafe left
    var right = unsafe right
    var r0 = NarrowRow()
    var r1 = NarrowRow()
    var r2 = NarrowRow()
    var r3 = NarrowRow()
    var remaining = operands.count
    while remaining > 0 {
        for _ in 0..<min(remaining, operands.segment) {
            let b = unsafe NarrowRow(right, operands.panelStride)
            unsafe r0.add(left[0], b)
            unsafe r1.add(left[1], b)
            unsafe r2.add(left[2], b)
            unsafe r3.add(left[3], b)
            unsafe left += 16
            unsafe right += 16
        }
        unsafe left += operands.leftJump
        unsafe right += operands.rightJump
        remaining -= operands.segment
    }
    unsafe r0.addTo(product + 0 * stride, accumulates)
    unsafe r1.addTo(product + 1 * stride, accumulates)
    unsafe r2.addTo(product + 2 * stride, accumulates)
    unsafe r3.addTo(product + 3 * stride, accumulates)
}
