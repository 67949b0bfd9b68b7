internal import CProcessor

// Measured on one core of an EPYC 9004 (Zen 4): the 14×32 tile on hot panels reaches 109 GFLOP/s
// for 16 inner elements and 116 for 256. The plain twin is
// `Tests/TestSupport/PlainMatrixProduct.swift`.

/// Whether this build may use AVX-512; a compile-time constant.
var buildHasAVX512: Bool {
    @inline(__always) get { BUILD_HAS_AVX512 == 1 }
}

/// Rows of a register tile: 14×32 in 32 registers of AVX-512, 6×16 in 16 of AVX2 or 32 of NEON.
var tileRows: Int {
    @inline(__always) get { buildHasAVX512 ? 14 : 6 }
}

/// Floats that `rows` rows of `inner` elements take as row tiles.
func rowTileCount(rows: Int, inner: Int) -> Int {
    (rows + tileRows - 1) / tileRows * tileRows * paddedToVectors(inner)
}

/// Where a row starts in row tiles of `inner` elements.
@inline(__always)
func rowTilePlace(row: Int, inner: Int) -> Int {
    let (tile, line) = row.quotientAndRemainder(dividingBy: tileRows)
    return tile * tileRows * inner + line * vectorWidth
}

/// Overwrites a block of `product` with `left · right`, or adds to it.
///
/// - Parameters:
///   - left: Row tiles, shape `[⌈rows / tileRows⌉, inner / 16, tileRows, 16]`.
///   - right: Column panels, shape `[columns / 16, panelStride]`; each begins with its
///     `[inner, 16]` elements.
///   - panelStride: Elements from one panel to the next.
///   - inner: A multiple of 16.
///   - block: Its columns are a multiple of 16.
func multiplyTiles(
    _ left: Span<Float>, _ right: Span<Float>, panelStride: Int, inner: Int,
    into product: inout MutableSpan<Float>, _ block: ProductBlock
) {
    precondition(
        block.columns.isMultiple(of: vectorWidth) && inner.isMultiple(of: vectorWidth)
            && left.count >= rowTileCount(rows: block.rows, inner: inner)
            && right.count >= (block.columns / vectorWidth - 1) * panelStride + inner * vectorWidth
            && product.count >= block.count,
        "\(left.count) × \(right.count) into \(product.count) elements as [\(block.rows), \(inner)] × [\(inner), \(block.columns)]"
    )
    let chunks = inner / vectorWidth
    unsafe product.withUnsafeMutableBufferPointer { product in
        unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBufferPointer { right in
                let product = unsafe product.baseAddress.unsafelyUnwrapped
                let left = unsafe left.baseAddress.unsafelyUnwrapped
                let right = unsafe right.baseAddress.unsafelyUnwrapped
                for row in stride(from: 0, to: block.rows, by: tileRows) {
                    let tile = unsafe left + row * inner
                    var own = block
                    own.rows = min(tileRows, block.rows - row)
                    var column = 0
                    if buildHasAVX512 {
                        while column + 2 * vectorWidth <= block.columns {
                            let panel = unsafe right + column / vectorWidth * panelStride
                            let target = unsafe product + row * block.stride + column
                            // For the last rows, where a tile of fourteen would discard most of its
                            // products; eight and four rows have enough independent chains to keep
                            // the multipliers busy.
                            switch own.rows {
                            case ...4:
                                unsafe FourRows<WideRow>.multiply(
                                    tile, panel, panelStride: panelStride, chunks: chunks, into: target, own)
                            case ...8:
                                unsafe EightRows<WideRow>.multiply(
                                    tile, panel, panelStride: panelStride, chunks: chunks, into: target, own)
                            default:
                                unsafe FourteenRows<WideRow>.multiply(
                                    tile, panel, panelStride: panelStride, chunks: chunks, into: target, own)
                            }
                            column += 2 * vectorWidth
                        }
                    }
                    while column < block.columns {
                        let panel = unsafe right + column / vectorWidth * panelStride
                        let target = unsafe product + row * block.stride + column
                        if buildHasAVX512 {
                            unsafe FourteenRows<NarrowRow>.multiply(
                                tile, panel, panelStride: panelStride, chunks: chunks, into: target, own)
                        } else {
                            unsafe SixRows<NarrowRow>.multiply(
                                tile, panel, panelStride: panelStride, chunks: chunks, into: target, own)
                        }
                        column += vectorWidth
                    }
                }
            }
        }
    }
}

extension RegisterTile where Row: PanelRow {
    /// Overwrites the first rows of a tile with products, or continues their chains.
    ///
    /// - Parameters:
    ///   - left: A row tile, shape `[chunks, tileRows, 16]`.
    ///   - right: The first of the row's panels, shape `[chunks, 16, 16]`.
    ///   - block: Its rows are at most the tile's.
    fileprivate static func multiply(
        _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, panelStride: Int, chunks: Int,
        into product: UnsafeMutablePointer<Float>, _ block: ProductBlock
    ) {
        var left = unsafe left
        var right = unsafe right
        var sums = Self()
        if block.accumulates {
            unsafe sums.load(product, stride: block.stride, rows: block.rows, from: 0)
        }
        for _ in 0..<chunks {
            for k in 0..<vectorWidth {
                let columns = unsafe Row(right + k * vectorWidth, panelStride: panelStride)
                unsafe sums.add(left + k, step: vectorWidth, columns, from: 0)
            }
            unsafe left += tileRows * vectorWidth
            unsafe right += vectorWidth * vectorWidth
        }
        unsafe sums.store(product, stride: block.stride, rows: block.rows, from: 0)
    }
}
