internal import CProcessor

/// Rows rounded to 16 bits, each by a scale of its own: a bound on distances for half the room and half the time of single precision.
///
/// A row `v` becomes `q = round(32767 v / ‖v‖)`, so `v = ‖v‖ (q / 32767 + e)` with a known `‖e‖`, at most `√D / 65534`. For two rows
/// `|cos − q·q′ / 32767²| ≤ ‖e‖ + ‖e′‖ + ‖e‖ ‖e′‖` (Cauchy and Schwarz), and the sums of products of integers are exact: `‖q‖` is hardly above
/// 32767, so no sum of pairs leaves 32 bits.
struct CoarseRows {
    /// What `‖v‖` becomes.
    static let scale: Float = 32767

    /// Elements in pairs, the first in the lower half: shape `[count, pairs]`.
    let pairs: [Int32]
    private let pairCount: Int
    /// `‖v‖`; shape `[count]`.
    private(set) var lengths: [Float] = []
    /// `‖e‖`, rounded up; shape `[count]`.
    private(set) var errors: [Float] = []

    /// - Parameters:
    ///   - rows: Shape `[count, dimension]`.
    ///   - pairCount: Pairs of a row, those behind the dimension 0.
    ///   - squares: `‖v‖²`; a row that is too long or too short for single precision becomes zeros, with an error of 1.
    init(_ rows: Span<Float>, dimension: Int, pairCount: Int, squares: ArraySlice<Float>) {
        var all = [Int32](repeating: 0, count: squares.count * pairCount)
        var pairs = all.mutableSpan
        for (row, square) in squares.enumerated() {
            guard square.isNormal else {
                let isZero = (row * dimension..<(row + 1) * dimension).allZero(in: rows)
                lengths.append(isZero || !square.isFinite ? 0 : Float.leastNormalMagnitude.squareRoot())
                errors.append(isZero || !square.isFinite ? 0 : 1)
                continue
            }
            let length = square.squareRoot()
            let factor = Self.scale / length
            lengths.append(length)
            var error: Float = 0
            for j in 0..<dimension {
                let scaled = rows[row * dimension + j] * factor
                let rounded = scaled.rounded()
                error += (scaled - rounded) * (scaled - rounded)
                pairs[row * pairCount + j / 2] |= Int32(
                    bitPattern: UInt32(UInt16(bitPattern: Int16(rounded))) << (16 * UInt32(j % 2)))
            }
            // Of the length and the quotient a few units in the last place are not exact.
            errors.append(error.squareRoot() / Self.scale * 1.01 + 0x1p-20)
        }
        self.pairs = all
        self.pairCount = pairCount
    }

    /// The rows in tiles, the last one filled up with zeros: shape `[⌈count / coarseTileRows⌉, pairCount / 8, coarseTileRows, 8]`.
    var tiles: [Int32] {
        let rows = coarseTileRows
        var tiles = [Int32](repeating: 0, count: (lengths.count + rows - 1) / rows * rows * pairCount)
        for row in lengths.indices {
            let start = row / rows * rows * pairCount + row % rows * 8
            for pair in 0..<pairCount {
                tiles[start + pair / 8 * rows * 8 + pair % 8] = pairs[row * pairCount + pair]
            }
        }
        return tiles
    }
}

extension Range<Int> {
    /// Whether `values` has zeros alone at these places.
    fileprivate func allZero(in values: Span<Float>) -> Bool {
        for place in self where values[place] != 0 { return false }
        return true
    }
}

/// How far the cosine of two coarse rows with these errors may be off.
func cosineError(_ first: Float, _ second: Float) -> Float { first + second + first * second }

/// Rows of a tile of integer products: 12×16 in 32 registers of AVX-512, 6×16 in 16 of AVX2.
var coarseTileRows: Int {
    @inline(__always) get { buildHasAVX512 ? 12 : 6 }
}

/// Overwrites `products` with those of some rows and the sixteen columns of a panel.
///
/// - Parameters:
///   - left: A tile of `CoarseRows.tiles`, shape `[pairs / 8, coarseTileRows, 8]`.
///   - right: Shape `[pairs, 16]`, `pairs` a multiple of 8.
///   - products: Shape `[coarseTileRows, 16]`.
func multiplyCoarseTile(
    _ left: Span<Int32>, _ right: Span<Int32>, pairs: Int, into products: inout MutableSpan<Int32>
) {
    precondition(
        pairs.isMultiple(of: 8) && left.count == coarseTileRows * pairs && right.count == 16 * pairs
            && products.count == coarseTileRows * 16,
        "\(left.count) × \(right.count) into \(products.count) integers of \(pairs) pairs")
    unsafe products.withUnsafeMutableBufferPointer { products in
        unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBufferPointer { right in
                let products = unsafe products.baseAddress.unsafelyUnwrapped
                let left = unsafe left.baseAddress.unsafelyUnwrapped
                let right = unsafe right.baseAddress.unsafelyUnwrapped
                if buildHasAVX512 {
                    unsafe multiply12x16(left, right, chunks: pairs / 8, products)
                } else {
                    unsafe multiply6x16(left, right, chunks: pairs / 8, products)
                }
            }
        }
    }
}

/// Sixteen columns of one row of a tile, or of the right operand.
private struct PairRow {
    private var sums = SixteenInts()

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

/// Twelve rows by one panel: twelve chains, as many as one instruction a cycle needs three times over.
private func multiply12x16(
    _ left: UnsafePointer<Int32>, _ right: UnsafePointer<Int32>, chunks: Int,
    _ products: UnsafeMutablePointer<Int32>
) {
    var left = unsafe left
    var right = unsafe right
    var r0 = PairRow()
    var r1 = PairRow()
    var r2 = PairRow()
    var r3 = PairRow()
    var r4 = PairRow()
    var r5 = PairRow()
    var r6 = PairRow()
    var r7 = PairRow()
    var r8 = PairRow()
    var r9 = PairRow()
    var r10 = PairRow()
    var r11 = PairRow()
    for _ in 0..<chunks {
        for k in 0..<8 {
            let b = unsafe PairRow(right + k * 16)
            unsafe r0.add(left[0 + k], b)
            unsafe r1.add(left[8 + k], b)
            unsafe r2.add(left[16 + k], b)
            unsafe r3.add(left[24 + k], b)
            unsafe r4.add(left[32 + k], b)
            unsafe r5.add(left[40 + k], b)
            unsafe r6.add(left[48 + k], b)
            unsafe r7.add(left[56 + k], b)
            unsafe r8.add(left[64 + k], b)
            unsafe r9.add(left[72 + k], b)
            unsafe r10.add(left[80 + k], b)
            unsafe r11.add(left[88 + k], b)
        }
        unsafe left += 12 * 8
        unsafe right += 8 * 16
    }
    unsafe r0.store(products + 0 * 16)
    unsafe r1.store(products + 1 * 16)
    unsafe r2.store(products + 2 * 16)
    unsafe r3.store(products + 3 * 16)
    unsafe r4.store(products + 4 * 16)
    unsafe r5.store(products + 5 * 16)
    unsafe r6.store(products + 6 * 16)
    unsafe r7.store(products + 7 * 16)
    unsafe r8.store(products + 8 * 16)
    unsafe r9.store(products + 9 * 16)
    unsafe r10.store(products + 10 * 16)
    unsafe r11.store(products + 11 * 16)
}

/// Six rows by one panel; 12 of 16 registers of AVX2 are accumulators.
private func multiply6x16(
    _ left: UnsafePointer<Int32>, _ right: UnsafePointer<Int32>, chunks: Int,
    _ products: UnsafeMutablePointer<Int32>
) {
    var left = unsafe left
    var right = unsafe right
    var r0 = PairRow()
    var r1 = PairRow()
    var r2 = PairRow()
    var r3 = PairRow()
    var r4 = PairRow()
    var r5 = PairRow()
    for _ in 0..<chunks {
        for k in 0..<8 {
            let b = unsafe PairRow(right + k * 16)
            unsafe r0.add(left[0 + k], b)
            unsafe r1.add(left[8 + k], b)
            unsafe r2.add(left[16 + k], b)
            unsafe r3.add(left[24 + k], b)
            unsafe r4.add(left[32 + k], b)
            unsafe r5.add(left[40 + k], b)
        }
        unsafe left += 6 * 8
        unsafe right += 8 * 16
    }
    unsafe r0.store(products + 0 * 16)
    unsafe r1.store(products + 1 * 16)
    unsafe r2.store(products + 2 * 16)
    unsafe r3.store(products + 3 * 16)
    unsafe r4.store(products + 4 * 16)
    unsafe r5.store(products + 5 * 16)
}
