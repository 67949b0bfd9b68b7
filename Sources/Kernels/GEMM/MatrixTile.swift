internal import CProcessor

// Register tiles: the innermost loops of every matrix product here. They are unrolled by hand since
// an array of accumulators does not stay in registers.
//
// Each element of a product is one chain of fused multiply-adds over the inner index, in order,
// whatever the tile's size, the element's position in the tile and the processor. So splitting the
// work never changes a bit.
//
// Measured on one core of an EPYC 9004 (Zen 4): the 14×32 tile on hot panels reaches 109 GFLOP/s
// for 16 inner elements and 116 for 256; with its accumulators in an `InlineArray` 34. The plain
// twin is `Tests/TestSupport/PlainMatrixProduct.swift`.

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

/// Overwrites `product` with `left · right`, or adds to it.
///
/// - Parameters:
///   - left: Row tiles, shape `[⌈rows / tileRows⌉, inner / 16, tileRows, 16]`.
///   - right: Column panels, shape `[columns / 16, panelStride]`; each begins with its
///     `[inner, 16]` elements.
///   - panelStride: Elements from one panel to the next.
///   - rows: Rows to store.
///   - columns: A multiple of 16.
///   - inner: A multiple of 16.
///   - product: Shape `[rows, stride]`, of which the first `columns` of each row are written.
func multiplyTiles(
    _ left: Span<Float>, _ right: Span<Float>, panelStride: Int, rows: Int, columns: Int, inner: Int,
    into product: inout MutableSpan<Float>, stride: Int, accumulates: Bool = false
) {
    precondition(
        columns.isMultiple(of: 16) && inner.isMultiple(of: 16)
            && left.count >= rowTileCount(rows: rows, inner: inner)
            && right.count >= (columns / 16 - 1) * panelStride + inner * 16
            && product.count >= (rows - 1) * stride + columns,
        "\(left.count) × \(right.count) into \(product.count) elements as [\(rows), \(inner)] × [\(inner), \(columns)]"
    )
    let chunks = inner / 16
    unsafe product.withUnsafeMutableBufferPointer { product in
        unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBufferPointer { right in
                let product = unsafe product.baseAddress.unsafelyUnwrapped
                let left = unsafe left.baseAddress.unsafelyUnwrapped
                let right = unsafe right.baseAddress.unsafelyUnwrapped
                for row in Swift.stride(from: 0, to: rows, by: tileRows) {
                    let tile = unsafe left + row * inner
                    let height = min(tileRows, rows - row)
                    var column = 0
                    if buildHasAVX512 {
                        while column + 32 <= columns {
                            let panel = unsafe right + column / 16 * panelStride
                            let target = unsafe product + row * stride + column
                            switch height {
                            case ...4:
                                unsafe multiply4x32(
                                    tile, panel, panelStride: panelStride, chunks: chunks, rows: height,
                                    target, stride: stride, accumulates: accumulates)
                            case ...8:
                                unsafe multiply8x32(
                                    tile, panel, panelStride: panelStride, chunks: chunks, rows: height,
                                    target, stride: stride, accumulates: accumulates)
                            default:
                                unsafe multiply14x32(
                                    tile, panel, panelStride: panelStride, chunks: chunks, rows: height,
                                    target, stride: stride, accumulates: accumulates)
                            }
                            column += 32
                        }
                        if column < columns {
                            unsafe multiply14x16(
                                tile, right + column / 16 * panelStride, panelStride: panelStride,
                                chunks: chunks, rows: height, product + row * stride + column, stride: stride,
                                accumulates: accumulates)
                        }
                    } else {
                        while column < columns {
                            unsafe multiply6x16(
                                tile, right + column / 16 * panelStride, panelStride: panelStride,
                                chunks: chunks, rows: height, product + row * stride + column, stride: stride,
                                accumulates: accumulates)
                            column += 16
                        }
                    }
                }
            }
        }
    }
}

// MARK: - Rows of accumulators

/// Thirty-two columns of one row of a tile, or of the right operand.
struct WideRow {
    private var first = Vector()
    private var second = Vector()

    init() {}

    /// Loads one row of two panels.
    @inline(__always)
    init(_ panel: UnsafePointer<Float>, _ panelStride: Int) {
        first = unsafe UnsafeRawPointer(panel).loadUnaligned(as: Vector.self)
        second = unsafe UnsafeRawPointer(panel + panelStride).loadUnaligned(as: Vector.self)
    }

    @inline(__always)
    mutating func add(_ factor: Float, _ right: WideRow) {
        let factor = Vector(repeating: factor)
        first = first.addingProduct(factor, right.first)
        second = second.addingProduct(factor, right.second)
    }

    @inline(__always)
    mutating func load(_ row: UnsafeMutablePointer<Float>) { self = unsafe WideRow(row, 16) }

    @inline(__always)
    func store(_ row: UnsafeMutablePointer<Float>) {
        unsafe UnsafeMutableRawPointer(row).storeBytes(of: first, as: Vector.self)
        unsafe UnsafeMutableRawPointer(row + 16).storeBytes(of: second, as: Vector.self)
    }

    @inline(__always)
    func addTo(_ row: UnsafeMutablePointer<Float>, _ accumulates: Bool) {
        var sum = self
        if accumulates {
            let old = unsafe WideRow(row, 16)
            sum.first = old.first + first
            sum.second = old.second + second
        }
        unsafe sum.store(row)
    }
}

/// Sixteen columns of one row of a tile, or of the right operand.
struct NarrowRow {
    private var only = Vector()

    init() {}

    @inline(__always)
    init(_ panel: UnsafePointer<Float>, _ panelStride: Int) {
        only = unsafe UnsafeRawPointer(panel).loadUnaligned(as: Vector.self)
    }

    @inline(__always)
    mutating func add(_ factor: Float, _ right: NarrowRow) {
        only = only.addingProduct(Vector(repeating: factor), right.only)
    }

    @inline(__always)
    mutating func load(_ row: UnsafeMutablePointer<Float>) { self = unsafe NarrowRow(row, 16) }

    @inline(__always)
    func store(_ row: UnsafeMutablePointer<Float>) {
        unsafe UnsafeMutableRawPointer(row).storeBytes(of: only, as: Vector.self)
    }

    @inline(__always)
    func addTo(_ row: UnsafeMutablePointer<Float>, _ accumulates: Bool) {
        var sum = self
        if accumulates { sum.only = unsafe NarrowRow(row, 16).only + only }
        unsafe sum.store(row)
    }
}

// MARK: - Tiles

/// Fourteen rows by two panels; 28 of 32 registers are accumulators.
private func multiply14x32(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, panelStride: Int, chunks: Int, rows: Int,
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
    var r8 = WideRow()
    var r9 = WideRow()
    var r10 = WideRow()
    var r11 = WideRow()
    var r12 = WideRow()
    var r13 = WideRow()
    if accumulates {
        if rows > 0 { unsafe r0.load(product + 0 * stride) }
        if rows > 1 { unsafe r1.load(product + 1 * stride) }
        if rows > 2 { unsafe r2.load(product + 2 * stride) }
        if rows > 3 { unsafe r3.load(product + 3 * stride) }
        if rows > 4 { unsafe r4.load(product + 4 * stride) }
        if rows > 5 { unsafe r5.load(product + 5 * stride) }
        if rows > 6 { unsafe r6.load(product + 6 * stride) }
        if rows > 7 { unsafe r7.load(product + 7 * stride) }
        if rows > 8 { unsafe r8.load(product + 8 * stride) }
        if rows > 9 { unsafe r9.load(product + 9 * stride) }
        if rows > 10 { unsafe r10.load(product + 10 * stride) }
        if rows > 11 { unsafe r11.load(product + 11 * stride) }
        if rows > 12 { unsafe r12.load(product + 12 * stride) }
        if rows > 13 { unsafe r13.load(product + 13 * stride) }
    }
    for _ in 0..<chunks {
        for k in 0..<16 {
            let b = unsafe WideRow(right + k * 16, panelStride)
            unsafe r0.add(left[0 + k], b)
            unsafe r1.add(left[16 + k], b)
            unsafe r2.add(left[32 + k], b)
            unsafe r3.add(left[48 + k], b)
            unsafe r4.add(left[64 + k], b)
            unsafe r5.add(left[80 + k], b)
            unsafe r6.add(left[96 + k], b)
            unsafe r7.add(left[112 + k], b)
            unsafe r8.add(left[128 + k], b)
            unsafe r9.add(left[144 + k], b)
            unsafe r10.add(left[160 + k], b)
            unsafe r11.add(left[176 + k], b)
            unsafe r12.add(left[192 + k], b)
            unsafe r13.add(left[208 + k], b)
        }
        unsafe left += 14 * 16
        unsafe right += 16 * 16
    }
    if rows > 0 { unsafe r0.store(product + 0 * stride) }
    if rows > 1 { unsafe r1.store(product + 1 * stride) }
    if rows > 2 { unsafe r2.store(product + 2 * stride) }
    if rows > 3 { unsafe r3.store(product + 3 * stride) }
    if rows > 4 { unsafe r4.store(product + 4 * stride) }
    if rows > 5 { unsafe r5.store(product + 5 * stride) }
    if rows > 6 { unsafe r6.store(product + 6 * stride) }
    if rows > 7 { unsafe r7.store(product + 7 * stride) }
    if rows > 8 { unsafe r8.store(product + 8 * stride) }
    if rows > 9 { unsafe r9.store(product + 9 * stride) }
    if rows > 10 { unsafe r10.store(product + 10 * stride) }
    if rows > 11 { unsafe r11.store(product + 11 * stride) }
    if rows > 12 { unsafe r12.store(product + 12 * stride) }
    if rows > 13 { unsafe r13.store(product + 13 * stride) }
}

/// Fourteen rows by one panel.
private func multiply14x16(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, panelStride: Int, chunks: Int, rows: Int,
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
    var r8 = NarrowRow()
    var r9 = NarrowRow()
    var r10 = NarrowRow()
    var r11 = NarrowRow()
    var r12 = NarrowRow()
    var r13 = NarrowRow()
    if accumulates {
        if rows > 0 { unsafe r0.load(product + 0 * stride) }
        if rows > 1 { unsafe r1.load(product + 1 * stride) }
        if rows > 2 { unsafe r2.load(product + 2 * stride) }
        if rows > 3 { unsafe r3.load(product + 3 * stride) }
        if rows > 4 { unsafe r4.load(product + 4 * stride) }
        if rows > 5 { unsafe r5.load(product + 5 * stride) }
        if rows > 6 { unsafe r6.load(product + 6 * stride) }
        if rows > 7 { unsafe r7.load(product + 7 * stride) }
        if rows > 8 { unsafe r8.load(product + 8 * stride) }
        if rows > 9 { unsafe r9.load(product + 9 * stride) }
        if rows > 10 { unsafe r10.load(product + 10 * stride) }
        if rows > 11 { unsafe r11.load(product + 11 * stride) }
        if rows > 12 { unsafe r12.load(product + 12 * stride) }
        if rows > 13 { unsafe r13.load(product + 13 * stride) }
    }
    for _ in 0..<chunks {
        for k in 0..<16 {
            let b = unsafe NarrowRow(right + k * 16, panelStride)
            unsafe r0.add(left[0 + k], b)
            unsafe r1.add(left[16 + k], b)
            unsafe r2.add(left[32 + k], b)
            unsafe r3.add(left[48 + k], b)
            unsafe r4.add(left[64 + k], b)
            unsafe r5.add(left[80 + k], b)
            unsafe r6.add(left[96 + k], b)
            unsafe r7.add(left[112 + k], b)
            unsafe r8.add(left[128 + k], b)
            unsafe r9.add(left[144 + k], b)
            unsafe r10.add(left[160 + k], b)
            unsafe r11.add(left[176 + k], b)
            unsafe r12.add(left[192 + k], b)
            unsafe r13.add(left[208 + k], b)
        }
        unsafe left += 14 * 16
        unsafe right += 16 * 16
    }
    if rows > 0 { unsafe r0.store(product + 0 * stride) }
    if rows > 1 { unsafe r1.store(product + 1 * stride) }
    if rows > 2 { unsafe r2.store(product + 2 * stride) }
    if rows > 3 { unsafe r3.store(product + 3 * stride) }
    if rows > 4 { unsafe r4.store(product + 4 * stride) }
    if rows > 5 { unsafe r5.store(product + 5 * stride) }
    if rows > 6 { unsafe r6.store(product + 6 * stride) }
    if rows > 7 { unsafe r7.store(product + 7 * stride) }
    if rows > 8 { unsafe r8.store(product + 8 * stride) }
    if rows > 9 { unsafe r9.store(product + 9 * stride) }
    if rows > 10 { unsafe r10.store(product + 10 * stride) }
    if rows > 11 { unsafe r11.store(product + 11 * stride) }
    if rows > 12 { unsafe r12.store(product + 12 * stride) }
    if rows > 13 { unsafe r13.store(product + 13 * stride) }
}

/// Six rows by one panel; 12 of 16 registers of AVX2 are accumulators.
private func multiply6x16(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, panelStride: Int, chunks: Int, rows: Int,
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
    if accumulates {
        if rows > 0 { unsafe r0.load(product + 0 * stride) }
        if rows > 1 { unsafe r1.load(product + 1 * stride) }
        if rows > 2 { unsafe r2.load(product + 2 * stride) }
        if rows > 3 { unsafe r3.load(product + 3 * stride) }
        if rows > 4 { unsafe r4.load(product + 4 * stride) }
        if rows > 5 { unsafe r5.load(product + 5 * stride) }
    }
    for _ in 0..<chunks {
        for k in 0..<16 {
            let b = unsafe NarrowRow(right + k * 16, panelStride)
            unsafe r0.add(left[0 + k], b)
            unsafe r1.add(left[16 + k], b)
            unsafe r2.add(left[32 + k], b)
            unsafe r3.add(left[48 + k], b)
            unsafe r4.add(left[64 + k], b)
            unsafe r5.add(left[80 + k], b)
        }
        unsafe left += 6 * 16
        unsafe right += 16 * 16
    }
    if rows > 0 { unsafe r0.store(product + 0 * stride) }
    if rows > 1 { unsafe r1.store(product + 1 * stride) }
    if rows > 2 { unsafe r2.store(product + 2 * stride) }
    if rows > 3 { unsafe r3.store(product + 3 * stride) }
    if rows > 4 { unsafe r4.store(product + 4 * stride) }
    if rows > 5 { unsafe r5.store(product + 5 * stride) }
}
