// Register tiles for sums of outer products in double precision. The order of operations is that of
// `MatrixTile.swift`: each element is one chain of fused multiply-adds over the rows, in order, so
// the bits depend neither on the tile's size nor on the processor.
//
// Measured on one core of an Intel Xeon of family 6, model 207, for 2048 columns and 100 rows: 52
// GFLOP/s with AVX-512, 32 with AVX2, where OpenBLAS's `dsyrk` reaches 56 and 36.

/// Rows of a tile: 8×24 in 32 registers of AVX-512, 4×12 in 16 of AVX2.
var doubleTileRows: Int {
    @inline(__always) get { buildHasAVX512 ? 8 : 4 }
}

/// Columns of a tile, a multiple of its rows.
var doubleTileColumns: Int {
    @inline(__always) get { buildHasAVX512 ? 24 : 12 }
}

/// A multiple of the columns of every tile: a matrix padded to it consists of whole tiles.
let doubleTileMultiple = 24

/// Adds `sum over r in 0..<count of left[r, i] · right[r, j]` to element `[i, j]` of a tile.
///
/// - Parameters:
///   - left: `doubleTileRows` elements of each row.
///   - leftStride: Elements from one row to the next.
///   - right: `doubleTileColumns` elements of each row.
///   - target: The tile's first element; its rows are `stride` elements apart.
@inline(__always)
func addOuterProductTile(
    _ left: UnsafePointer<Double>, leftStride: Int, _ right: UnsafePointer<Double>, rightStride: Int,
    count: Int, into target: UnsafeMutablePointer<Double>, stride: Int
) {
    if buildHasAVX512 {
        unsafe addTile8x24(left, leftStride, right, rightStride, count, target, stride)
    } else {
        unsafe addTile4x12(left, leftStride, right, rightStride, count, target, stride)
    }
}

/// One row of a tile, or of the right operand.
private struct TileRow<Part: SIMD> where Part.Scalar == Double {
    private var first: Part
    private var second: Part
    private var third: Part

    @inline(__always)
    init(_ row: UnsafePointer<Double>) {
        let row = unsafe UnsafeRawPointer(row)
        let byteCount = Part.scalarCount * MemoryLayout<Double>.size
        first = unsafe row.loadUnaligned(as: Part.self)
        second = unsafe (row + byteCount).loadUnaligned(as: Part.self)
        third = unsafe (row + 2 * byteCount).loadUnaligned(as: Part.self)
    }

    @inline(__always)
    mutating func add(_ factor: Double, _ right: Self) {
        first = first.addingProduct(factor, right.first)
        second = second.addingProduct(factor, right.second)
        third = third.addingProduct(factor, right.third)
    }

    @inline(__always)
    func store(_ row: UnsafeMutablePointer<Double>) {
        let row = UnsafeMutableRawPointer(row)
        let byteCount = Part.scalarCount * MemoryLayout<Double>.size
        unsafe row.storeBytes(of: first, as: Part.self)
        unsafe (row + byteCount).storeBytes(of: second, as: Part.self)
        unsafe (row + 2 * byteCount).storeBytes(of: third, as: Part.self)
    }
}

/// Eight rows by three registers; 24 of 32 registers are accumulators.
private func addTile8x24(
    _ left: UnsafePointer<Double>, _ leftStride: Int, _ right: UnsafePointer<Double>, _ rightStride: Int,
    _ count: Int, _ target: UnsafeMutablePointer<Double>, _ stride: Int
) {
    typealias Row = TileRow<SIMD8<Double>>
    var r0 = unsafe Row(target)
    var r1 = unsafe Row(target + stride)
    var r2 = unsafe Row(target + 2 * stride)
    var r3 = unsafe Row(target + 3 * stride)
    var r4 = unsafe Row(target + 4 * stride)
    var r5 = unsafe Row(target + 5 * stride)
    var r6 = unsafe Row(target + 6 * stride)
    var r7 = unsafe Row(target + 7 * stride)
    var left = unsafe left
    var right = unsafe right
    for _ in 0..<count {
        let b = unsafe Row(right)
        unsafe r0.add(left[0], b)
        unsafe r1.add(left[1], b)
        unsafe r2.add(left[2], b)
        unsafe r3.add(left[3], b)
        unsafe r4.add(left[4], b)
        unsafe r5.add(left[5], b)
        unsafe r6.add(left[6], b)
        unsafe r7.add(left[7], b)
        unsafe left += leftStride
        unsafe right += rightStride
    }
    unsafe r0.store(target)
    unsafe r1.store(target + stride)
    unsafe r2.store(target + 2 * stride)
    unsafe r3.store(target + 3 * stride)
    unsafe r4.store(target + 4 * stride)
    unsafe r5.store(target + 5 * stride)
    unsafe r6.store(target + 6 * stride)
    unsafe r7.store(target + 7 * stride)
}

/// Four rows by three registers; 12 of 16 registers of AVX2 are accumulators.
private func addTile4x12(
    _ left: UnsafePointer<Double>, _ leftStride: Int, _ right: UnsafePointer<Double>, _ rightStride: Int,
    _ count: Int, _ target: UnsafeMutablePointer<Double>, _ stride: Int
) {
    typealias Row = TileRow<SIMD4<Double>>
    var r0 = unsafe Row(target)
    var r1 = unsafe Row(target + stride)
    var r2 = unsafe Row(target + 2 * stride)
    var r3 = unsafe Row(target + 3 * stride)
    var left = unsafe left
    var right = unsafe right
    for _ in 0..<count {
        let b = unsafe Row(right)
        unsafe r0.add(left[0], b)
        unsafe r1.add(left[1], b)
        unsafe r2.add(left[2], b)
        unsafe r3.add(left[3], b)
        unsafe left += leftStride
        unsafe right += rightStride
    }
    unsafe r0.store(target)
    unsafe r1.store(target + stride)
    unsafe r2.store(target + 2 * stride)
    unsafe r3.store(target + 3 * stride)
}
