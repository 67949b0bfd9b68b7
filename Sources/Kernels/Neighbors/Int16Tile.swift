internal import CProcessor

// Register tiles of integer products. Integer sums are exact, so tiles of any size give the same
// result.
//
// Measured on one core of an EPYC 9004 (Zen 4), whole searches of 512 elements with k = 50: 88·10⁹
// products a second; with twelve rows per tile the same (88), with 14×32 tiles in single precision
// 51. A wrong product would lose a neighbour that the plain twin finds,
// `Tests/TestSupport/PlainNeighbors.swift`.

/// Rows of a tile of integer products. One instruction per cycle needs four independent chains, and
/// AVX2 has enough registers for six rows of two chains.
let int16TileRows = 6

/// Overwrites `products` with the products of a tile of rows and the sixteen columns of a panel.
///
/// - Parameters:
///   - left: A tile of `Int16Rows.tiles`, shape `[pairs / 8, int16TileRows, 8]`.
///   - right: Shape `[pairs, 16]`, `pairs` a multiple of 8.
///   - products: Shape `[int16TileRows, 16]`.
func multiplyInt16Tile(
    _ left: Span<Int32>, _ right: Span<Int32>, pairs: Int, into products: inout MutableSpan<Int32>
) {
    precondition(
        pairs.isMultiple(of: 8) && left.count == int16TileRows * pairs && right.count == 16 * pairs
            && products.count == int16TileRows * 16,
        "\(left.count) × \(right.count) into \(products.count) integers of \(pairs) pairs")
    unsafe products.withUnsafeMutableBufferPointer { products in
        unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBufferPointer { right in
                let products = unsafe products.baseAddress.unsafelyUnwrapped
                let left = unsafe left.baseAddress.unsafelyUnwrapped
                let right = unsafe right.baseAddress.unsafelyUnwrapped
                unsafe SixRows<PairRow>.multiply(left, right, chunks: pairs / 8, into: products)
            }
        }
    }
}

/// Sixteen columns of one row of a tile, or of the right operand.
private struct PairRow: TileRow {
    private var sums = SixteenInts()

    @inline(__always)
    init() {}

    @inline(__always)
    init(_ panel: UnsafePointer<Int32>) {
        sums = unsafe UnsafeRawPointer(panel).loadUnaligned(as: SixteenInts.self)
    }

    @inline(__always)
    mutating func add(_ pair: Int32, _ right: PairRow) {
        sums = addPairProducts(sums, SixteenInts(repeating: pair), right.sums)
    }

    @inline(__always)
    func store(_ row: UnsafeMutablePointer<Int32>) {
        unsafe UnsafeMutableRawPointer(row).storeBytes(of: sums, as: SixteenInts.self)
    }
}

extension RegisterTile where Row == PairRow {
    /// Overwrites a tile of six rows by one panel; 12 of 16 registers of AVX2 are accumulators.
    fileprivate static func multiply(
        _ left: UnsafePointer<Int32>, _ right: UnsafePointer<Int32>, chunks: Int,
        into products: UnsafeMutablePointer<Int32>
    ) {
        var left = unsafe left
        var right = unsafe right
        var sums = Self()
        for _ in 0..<chunks {
            for k in 0..<8 {
                let columns = unsafe PairRow(right + k * 16)
                unsafe sums.add(left + k, step: 8, columns, from: 0)
            }
            unsafe left += int16TileRows * 8
            unsafe right += 8 * 16
        }
        unsafe sums.store(products, stride: 16, rows: rowCount, from: 0)
    }
}
