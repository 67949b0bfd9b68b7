internal import CProcessor

// Register tiles of products that sum over rows; the order of operations is that of
// `RegisterTile.swift`.

/// Rows of a tile of an outer product: 8×32, or 4×16 in 8 of 16 registers of AVX2.
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

/// Overwrites a block of `product` with `leftᵀ · right`, or adds to it.
///
/// The sum over `operands.count` rows is computed first, then added, so a long sum is computed in
/// parts.
///
/// - Parameters:
///   - left: As many columns as the block has rows.
///   - right: As many columns as the block.
///   - block: Its rows and columns are multiples of 16.
func multiplyOuter(
    _ left: Span<Float>, _ right: Span<Float>, _ operands: OuterRows,
    into product: inout MutableSpan<Float>, _ block: ProductBlock
) {
    precondition(
        block.rows.isMultiple(of: vectorWidth) && block.columns.isMultiple(of: vectorWidth)
            && operands.count >= 1
            && left.count >= operands.operandCount(columns: block.rows, jump: operands.leftJump)
            && right.count >= operands.operandCount(columns: block.columns, jump: operands.rightJump)
            && product.count >= block.count,
        "\(left.count) × \(right.count) into \(product.count) elements as [\(operands.count), \(block.rows)]ᵀ × [\(operands.count), \(block.columns)]"
    )
    unsafe product.withUnsafeMutableBufferPointer { product in
        unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBufferPointer { right in
                let product = unsafe product.baseAddress.unsafelyUnwrapped
                let left = unsafe left.baseAddress.unsafelyUnwrapped
                let right = unsafe right.baseAddress.unsafelyUnwrapped
                let width = buildHasAVX512 ? 32 : 16
                for column in stride(from: 0, to: block.columns, by: width) {
                    let panel = unsafe right + column / vectorWidth * operands.panelStride
                    for row in stride(from: 0, to: block.rows, by: outerRows) {
                        let part = unsafe left + row / vectorWidth * operands.panelStride + row % vectorWidth
                        let target = unsafe product + row * block.stride + column
                        if !buildHasAVX512 {
                            unsafe FourRows<NarrowRow>.multiplyOuter(
                                part, panel, operands, into: target, block)
                        } else if column + 32 <= block.columns {
                            if block.accumulates {
                                for row in 0..<outerRows {
                                    unsafe prefetchLine(target + row * block.stride)
                                    unsafe prefetchLine(target + row * block.stride + vectorWidth)
                                }
                            }
                            unsafe EightRows<WideRow>.multiplyOuter(
                                part, panel, operands, into: target, block)
                        } else {
                            unsafe EightRows<NarrowRow>.multiplyOuter(
                                part, panel, operands, into: target, block)
                        }
                    }
                }
            }
        }
    }
}

extension AddedTile {
    /// Overwrites a tile with the sum of its rows' outer products, or adds the sum.
    fileprivate static func multiplyOuter(
        _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ operands: OuterRows,
        into product: UnsafeMutablePointer<Float>, _ block: ProductBlock
    ) {
        var left = unsafe left
        var right = unsafe right
        var sums = Self()
        var remaining = operands.count
        while remaining > 0 {
            for _ in 0..<min(remaining, operands.segment) {
                let columns = unsafe Row(right, panelStride: operands.panelStride)
                unsafe sums.add(left, step: 1, columns, from: 0)
                unsafe left += vectorWidth
                unsafe right += vectorWidth
            }
            unsafe left += operands.leftJump
            unsafe right += operands.rightJump
            remaining -= operands.segment
        }
        if block.accumulates { unsafe sums.addStored(product, stride: block.stride, from: 0) }
        unsafe sums.store(product, stride: block.stride, rows: rowCount, from: 0)
    }
}
