// Register tiles for sums of outer products in double precision. The order of operations is that of
// `RegisterTile.swift`: each element is one chain of fused multiply-adds over the rows, in order, so
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
///   - right: `doubleTileColumns` elements of each row.
///   - operandStride: Elements from one row to the next, in both operands.
///   - target: The tile's first element; its rows are `stride` elements apart.
@inline(__always)
func addOuterProductTile(
    _ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>, operandStride: Int, count: Int,
    into target: UnsafeMutablePointer<Double>, stride: Int
) {
    if buildHasAVX512 {
        unsafe EightRows<TripleRow<SIMD8<Double>>>.addOuterProducts(
            left, right, operandStride: operandStride, count: count, into: target, stride: stride)
    } else {
        unsafe FourRows<TripleRow<SIMD4<Double>>>.addOuterProducts(
            left, right, operandStride: operandStride, count: count, into: target, stride: stride)
    }
}

/// Three registers: one row of a tile, or of the right operand.
private struct TripleRow<Part: SIMD>: TileRow where Part.Scalar == Double {
    private var first = Part()
    private var second = Part()
    private var third = Part()

    @inline(__always)
    init() {}

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

extension RegisterTile where Row.Element == Double {
    /// Continues a tile's chains over `count` rows.
    fileprivate static func addOuterProducts(
        _ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>, operandStride: Int, count: Int,
        into target: UnsafeMutablePointer<Double>, stride: Int
    ) {
        var left = unsafe left
        var right = unsafe right
        var sums = Self()
        unsafe sums.load(target, stride: stride, rows: rowCount, from: 0)
        for _ in 0..<count {
            let columns = unsafe Row(right)
            unsafe sums.add(left, step: 1, columns, from: 0)
            unsafe left += operandStride
            unsafe right += operandStride
        }
        unsafe sums.store(target, stride: stride, rows: rowCount, from: 0)
    }
}
