internal import CProcessor

/// One side of a product of integers: pairs, and the scales of its rows or columns.
struct PackedIntegers: ~Escapable {
    /// Row tiles, or the first column panel.
    let pairs: Span<Float>
    let scales: Span<Float>

    @_lifetime(copy pairs, copy scales)
    init(_ pairs: Span<Float>, scales: Span<Float>) {
        self.pairs = pairs
        self.scales = scales
    }
}

/// Overwrites a block of `product` with `left · right`, or adds to it.
///
/// - Parameters:
///   - left: Row tiles as `packIntegerRows` writes them; scales of shape `[rows]`, rounded up to whole
///     row tiles.
///   - right: Panels as `packIntegerColumns` writes them, `panelStride` elements apart; scales of
///     shape `[columns]`.
///   - inner: Inner elements before packing, a multiple of 16.
func multiplyIntegerTiles(
    _ left: borrowing PackedIntegers, _ right: borrowing PackedIntegers, panelStride: Int, inner: Int,
    into product: inout MutableSpan<Float>, _ block: ProductBlock
) {
    precondition(
        block.columns.isMultiple(of: vectorWidth) && inner.isMultiple(of: vectorWidth)
            && left.pairs.count >= rowTileCount(rows: block.rows, inner: inner)
            && left.scales.count >= rowTileCount(rows: block.rows, inner: 1) / vectorWidth
            && right.pairs.count >= (block.columns / vectorWidth - 1) * panelStride
                + pairCount(inner) * vectorWidth
            && right.scales.count >= block.columns && product.count >= block.count,
        """
        \(left.pairs.count) × \(right.pairs.count) into \(product.count) elements as [\(block.rows), \(inner)] × \
        [\(inner), \(block.columns)]
        """)
    let chunks = pairCount(inner) / vectorWidth
    // Half a row tile: each row has registers for integers and for floats.
    let height = tileRows / 2
    unsafe withPointers(left, right, &product) { left, leftScales, right, rightScales, product in
        // Columns outermost: their panels stay in the first cache.
        var column = 0
        while column < block.columns {
            let panel = unsafe right + column / vectorWidth * panelStride
            let isWide = buildHasAVX512 && column + 2 * vectorWidth <= block.columns
            for row in stride(from: 0, to: block.rows, by: height) {
                let tile = unsafe left + rowTilePlace(row: row, inner: inner)
                let target = unsafe product + row * block.stride + column
                let scales = unsafe (leftScales + row, rightScales + column)
                var own = block
                own.rows = min(height, block.rows - row)
                if !buildHasAVX512 {
                    unsafe ThreeRows<NarrowIntegerRow>.multiply(
                        tile, panel, panelStride: panelStride, chunks: chunks, scales, into: target, own)
                } else if isWide {
                    unsafe SevenRows<WideIntegerRow>.multiply(
                        tile, panel, panelStride: panelStride, chunks: chunks, scales, into: target, own)
                } else {
                    unsafe SevenRows<NarrowIntegerRow>.multiply(
                        tile, panel, panelStride: panelStride, chunks: chunks, scales, into: target, own)
                }
            }
            column += isWide ? 2 * vectorWidth : vectorWidth
        }
    }
}

/// Overwrites a block of `product` with `leftᵀ · right`, or adds to it.
///
/// - Parameters:
///   - left: Panels of `IntegerBits.outerProduct` bits as `packIntegerColumns` writes them,
///     `panelStride` elements apart, as many columns as the block has rows; scales of its columns.
///   - right: Likewise.
///   - rows: Rows over which the products are summed, at most 128.
func multiplyOuterIntegers(
    _ left: borrowing PackedIntegers, _ right: borrowing PackedIntegers, rows: Int, panelStride: Int,
    into product: inout MutableSpan<Float>, _ block: ProductBlock
) {
    let pairs = pairCount(rows)
    precondition(
        block.rows.isMultiple(of: vectorWidth) && block.columns.isMultiple(of: vectorWidth)
            && (1...128).contains(rows)
            && left.pairs.count >= (block.rows / vectorWidth - 1) * panelStride + pairs * vectorWidth
            && right.pairs.count >= (block.columns / vectorWidth - 1) * panelStride + pairs * vectorWidth
            && left.scales.count >= block.rows && right.scales.count >= block.columns
            && product.count >= block.count,
        """
        \(left.pairs.count) × \(right.pairs.count) into \(product.count) elements as [\(rows), \(block.rows)]ᵀ × \
        [\(rows), \(block.columns)]
        """)
    let height = buildHasAVX512 ? 8 : 4
    unsafe withPointers(left, right, &product) { left, leftScales, right, rightScales, product in
        var column = 0
        while column < block.columns {
            let panel = unsafe right + column / vectorWidth * panelStride
            let isWide = buildHasAVX512 && column + 2 * vectorWidth <= block.columns
            for row in stride(from: 0, to: block.rows, by: height) {
                let part = unsafe left + row / vectorWidth * panelStride + row % vectorWidth
                let target = unsafe product + row * block.stride + column
                let scales = unsafe (leftScales + row, rightScales + column)
                if !buildHasAVX512 {
                    unsafe FourRows<NarrowIntegerRow>.multiplyOuter(
                        part, panel, panelStride: panelStride, pairs: pairs, scales, into: target, block)
                } else if isWide {
                    unsafe EightRows<WideIntegerRow>.multiplyOuter(
                        part, panel, panelStride: panelStride, pairs: pairs, scales, into: target, block)
                } else {
                    unsafe EightRows<NarrowIntegerRow>.multiplyOuter(
                        part, panel, panelStride: panelStride, pairs: pairs, scales, into: target, block)
                }
            }
            column += isWide ? 2 * vectorWidth : vectorWidth
        }
    }
}

@inline(__always)
@unsafe private func withPointers(
    _ left: borrowing PackedIntegers, _ right: borrowing PackedIntegers, _ product: inout MutableSpan<Float>,
    _ body: (
        UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>,
        UnsafeMutablePointer<Float>
    ) -> Void
) {
    unsafe product.withUnsafeMutableBufferPointer { product in
        unsafe left.pairs.withUnsafeBufferPointer { pairs in
            unsafe left.scales.withUnsafeBufferPointer { scales in
                unsafe right.pairs.withUnsafeBufferPointer { rightPairs in
                    unsafe right.scales.withUnsafeBufferPointer { rightScales in
                        unsafe body(
                            pairs.baseAddress.unsafelyUnwrapped, scales.baseAddress.unsafelyUnwrapped,
                            rightPairs.baseAddress.unsafelyUnwrapped,
                            rightScales.baseAddress.unsafelyUnwrapped,
                            product.baseAddress.unsafelyUnwrapped)
                    }
                }
            }
        }
    }
}

extension IntegerTile {
    /// Overwrites the first rows of a tile with scaled products, or adds them.
    fileprivate static func multiply(
        _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, panelStride: Int, chunks: Int,
        _ scales: (rows: UnsafePointer<Float>, columns: UnsafePointer<Float>),
        into product: UnsafeMutablePointer<Float>, _ block: ProductBlock
    ) {
        var left = unsafe left
        var right = unsafe right
        var sums = Self()
        for _ in 0..<chunks {
            for k in 0..<vectorWidth {
                let columns = unsafe Row(right + k * vectorWidth, panelStride: panelStride)
                unsafe sums.add(left + k, step: vectorWidth, columns, from: 0)
            }
            sums.endChunk()
            unsafe left += tileRows * vectorWidth
            unsafe right += vectorWidth * vectorWidth
        }
        unsafe sums.finish(scales, rows: block.rows, into: product, block)
    }

    /// Overwrites a tile with the scaled sum of its rows' outer products, or adds it.
    fileprivate static func multiplyOuter(
        _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, panelStride: Int, pairs: Int,
        _ scales: (rows: UnsafePointer<Float>, columns: UnsafePointer<Float>),
        into product: UnsafeMutablePointer<Float>, _ block: ProductBlock
    ) {
        var sums = Self()
        for k in 0..<pairs {
            let columns = unsafe Row(right + k * vectorWidth, panelStride: panelStride)
            unsafe sums.add(left + k * vectorWidth, step: 1, columns, from: 0)
        }
        sums.endChunk()
        unsafe sums.finish(scales, rows: rowCount, into: product, block)
    }

    @inline(__always)
    private mutating func finish(
        _ scales: (rows: UnsafePointer<Float>, columns: UnsafePointer<Float>), rows: Int,
        into product: UnsafeMutablePointer<Float>, _ block: ProductBlock
    ) {
        unsafe scale(scales.rows, scales.columns, from: 0)
        if block.accumulates { unsafe addStored(product, stride: block.stride, rows: rows, from: 0) }
        unsafe store(product, stride: block.stride, rows: rows, from: 0)
    }
}
