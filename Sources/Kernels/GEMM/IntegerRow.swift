internal import CProcessor

// Tiles of products of integers, two of which are a pair that takes the place of a float.
//
// The sums of a chunk of products are exact in 32 bits; then they are converted and added in single
// precision, chunk after chunk. So each result has the same bits on every processor, whatever the
// tile and its place.

/// One row of a tile: the exact sums of a chunk's products, and the sum of those before.
protocol IntegerRow: TileRow where Element == Float {
    /// Loads one row of pairs of each of the row's panels, which are `panelStride` elements apart.
    init(_ panel: UnsafePointer<Float>, panelStride: Int)

    /// Adds the exact sums to those before.
    mutating func endChunk()

    /// Multiplies the sums by the scale of the row and those of the columns.
    mutating func scale(_ row: Float, _ columns: UnsafePointer<Float>)

    /// Adds the sums to stored ones.
    mutating func add(stored: UnsafePointer<Float>)
}

/// A tile of such rows.
protocol IntegerTile: RegisterTile where Row: IntegerRow {
    mutating func endChunk()
    mutating func scale(_ rows: UnsafePointer<Float>, _ columns: UnsafePointer<Float>, from first: Int)

    /// Adds to the stored rows below `rows`, which are `stride` elements apart.
    mutating func addStored(_ product: UnsafePointer<Float>, stride: Int, rows: Int, from first: Int)
}

extension OneRow: IntegerTile where Row: IntegerRow {
    @inline(__always)
    mutating func endChunk() { row.endChunk() }

    @inline(__always)
    mutating func scale(_ rows: UnsafePointer<Float>, _ columns: UnsafePointer<Float>, from first: Int) {
        unsafe row.scale(rows[first], columns)
    }

    @inline(__always)
    mutating func addStored(_ product: UnsafePointer<Float>, stride: Int, rows: Int, from first: Int) {
        if rows > first { unsafe row.add(stored: product + first * stride) }
    }
}

extension Stacked: IntegerTile where Upper: IntegerTile, Lower: IntegerTile {
    @inline(__always)
    mutating func endChunk() {
        upper.endChunk()
        lower.endChunk()
    }

    @inline(__always)
    mutating func scale(_ rows: UnsafePointer<Float>, _ columns: UnsafePointer<Float>, from first: Int) {
        unsafe upper.scale(rows, columns, from: first)
        unsafe lower.scale(rows, columns, from: first + Upper.rowCount)
    }

    @inline(__always)
    mutating func addStored(_ product: UnsafePointer<Float>, stride: Int, rows: Int, from first: Int) {
        unsafe upper.addStored(product, stride: stride, rows: rows, from: first)
        unsafe lower.addStored(product, stride: stride, rows: rows, from: first + Upper.rowCount)
    }
}

/// The integers whose bits a pair has.
@inline(__always)
private func pair(_ bits: Float) -> SixteenInts {
    SixteenInts(repeating: Int32(bitPattern: bits.bitPattern))
}

/// Sixteen columns.
struct NarrowIntegerRow: IntegerRow {
    private var integers = SixteenInts()
    private var sums = Vector()

    @inline(__always)
    init() {}

    @inline(__always)
    init(_ panel: UnsafePointer<Float>, panelStride: Int) { self = unsafe NarrowIntegerRow(panel) }

    @inline(__always)
    init(_ row: UnsafePointer<Float>) {
        integers = unsafe UnsafeRawPointer(row).loadUnaligned(as: SixteenInts.self)
    }

    @inline(__always)
    mutating func add(_ factor: Float, _ right: NarrowIntegerRow) {
        integers = addPairProducts(integers, pair(factor), right.integers)
    }

    @inline(__always)
    mutating func endChunk() {
        sums += floatsOf(integers)
        integers = SixteenInts()
    }

    @inline(__always)
    mutating func scale(_ row: Float, _ columns: UnsafePointer<Float>) {
        sums *= unsafe UnsafeRawPointer(columns).loadUnaligned(as: Vector.self) * row
    }

    @inline(__always)
    mutating func add(stored: UnsafePointer<Float>) {
        sums = unsafe UnsafeRawPointer(stored).loadUnaligned(as: Vector.self) + sums
    }

    @inline(__always)
    func store(_ row: UnsafeMutablePointer<Float>) {
        unsafe UnsafeMutableRawPointer(row).storeBytes(of: sums, as: Vector.self)
    }
}

/// Thirty-two columns.
struct WideIntegerRow: IntegerRow {
    private var first = NarrowIntegerRow()
    private var second = NarrowIntegerRow()

    @inline(__always)
    init() {}

    @inline(__always)
    init(_ panel: UnsafePointer<Float>, panelStride: Int) {
        first = unsafe NarrowIntegerRow(panel)
        second = unsafe NarrowIntegerRow(panel + panelStride)
    }

    @inline(__always)
    init(_ row: UnsafePointer<Float>) { self = unsafe WideIntegerRow(row, panelStride: vectorWidth) }

    @inline(__always)
    mutating func add(_ factor: Float, _ right: WideIntegerRow) {
        first.add(factor, right.first)
        second.add(factor, right.second)
    }

    @inline(__always)
    mutating func endChunk() {
        first.endChunk()
        second.endChunk()
    }

    @inline(__always)
    mutating func scale(_ row: Float, _ columns: UnsafePointer<Float>) {
        unsafe first.scale(row, columns)
        unsafe second.scale(row, columns + vectorWidth)
    }

    @inline(__always)
    mutating func add(stored: UnsafePointer<Float>) {
        unsafe first.add(stored: stored)
        unsafe second.add(stored: stored + vectorWidth)
    }

    @inline(__always)
    func store(_ row: UnsafeMutablePointer<Float>) {
        unsafe first.store(row)
        unsafe second.store(row + vectorWidth)
    }
}

typealias ThreeRows<Row: TileRow> = Stacked<TwoRows<Row>, OneRow<Row>>
typealias SevenRows<Row: TileRow> = Stacked<FourRows<Row>, ThreeRows<Row>>
