// Register tiles: the innermost loops of every matrix product here.
//
// Each element of a product is one chain of fused multiply-adds over the inner index, in order,
// whatever the tile's size, the element's position in the tile and the processor. So splitting the
// work never changes a bit.
//
// An array of accumulators does not stay in registers: on one core of an EPYC 9004 (Zen 4) a 14×32
// tile reaches 116 GFLOP/s, with its accumulators in an `InlineArray` 34. So a tile's rows are
// stored properties of nested structures, which the optimiser splits into registers: the same rate
// as fourteen variables (docs/performance.md).

/// One row of a register tile, or of its right operand.
protocol TileRow {
    associatedtype Element

    /// Zeros.
    init()

    /// Loads consecutive elements.
    init(_ row: UnsafePointer<Element>)

    /// Adds `factor · right`.
    mutating func add(_ factor: Element, _ right: Self)

    /// Stores consecutive elements.
    func store(_ row: UnsafeMutablePointer<Element>)
}

/// The accumulators of a register tile.
///
/// Functions are unrolled over the rows. `first` is the index of the tile's first row in the tile
/// that contains it, a constant in each call.
protocol RegisterTile {
    associatedtype Row: TileRow

    static var rowCount: Int { get }

    /// Zeros.
    init()

    /// Adds `left[i · step] · right` to each row i.
    mutating func add(_ left: UnsafePointer<Row.Element>, step: Int, _ right: Row, from first: Int)

    /// Loads the rows below `rows`, which are `stride` elements apart.
    mutating func load(_ product: UnsafePointer<Row.Element>, stride: Int, rows: Int, from first: Int)

    /// Stores the rows below `rows`, which are `stride` elements apart.
    func store(_ product: UnsafeMutablePointer<Row.Element>, stride: Int, rows: Int, from first: Int)
}

struct OneRow<Row: TileRow>: RegisterTile {
    var row = Row()

    @inline(__always)
    init() {}

    @inline(__always)
    static var rowCount: Int { 1 }

    @inline(__always)
    mutating func add(_ left: UnsafePointer<Row.Element>, step: Int, _ right: Row, from first: Int) {
        unsafe row.add(left[first * step], right)
    }

    @inline(__always)
    mutating func load(_ product: UnsafePointer<Row.Element>, stride: Int, rows: Int, from first: Int) {
        if rows > first { row = unsafe Row(product + first * stride) }
    }

    @inline(__always)
    func store(_ product: UnsafeMutablePointer<Row.Element>, stride: Int, rows: Int, from first: Int) {
        if rows > first { unsafe row.store(product + first * stride) }
    }
}

/// The rows of one tile above those of another.
struct Stacked<Upper: RegisterTile, Lower: RegisterTile>: RegisterTile where Upper.Row == Lower.Row {
    typealias Row = Upper.Row

    var upper = Upper()
    var lower = Lower()

    @inline(__always)
    init() {}

    @inline(__always)
    static var rowCount: Int { Upper.rowCount + Lower.rowCount }

    @inline(__always)
    mutating func add(_ left: UnsafePointer<Row.Element>, step: Int, _ right: Row, from first: Int) {
        unsafe upper.add(left, step: step, right, from: first)
        unsafe lower.add(left, step: step, right, from: first + Upper.rowCount)
    }

    @inline(__always)
    mutating func load(_ product: UnsafePointer<Row.Element>, stride: Int, rows: Int, from first: Int) {
        unsafe upper.load(product, stride: stride, rows: rows, from: first)
        unsafe lower.load(product, stride: stride, rows: rows, from: first + Upper.rowCount)
    }

    @inline(__always)
    func store(_ product: UnsafeMutablePointer<Row.Element>, stride: Int, rows: Int, from first: Int) {
        unsafe upper.store(product, stride: stride, rows: rows, from: first)
        unsafe lower.store(product, stride: stride, rows: rows, from: first + Upper.rowCount)
    }
}

/// A tile whose sums can be added to stored ones.
protocol AddedTile: RegisterTile where Row: PanelRow {
    /// Adds stored rows, which are `stride` elements apart: `row = stored + row`.
    mutating func addStored(_ product: UnsafePointer<Float>, stride: Int, from first: Int)
}

extension OneRow: AddedTile where Row: PanelRow {
    @inline(__always)
    mutating func addStored(_ product: UnsafePointer<Float>, stride: Int, from first: Int) {
        row = unsafe Row(product + first * stride) + row
    }
}

extension Stacked: AddedTile where Upper: AddedTile, Lower: AddedTile {
    @inline(__always)
    mutating func addStored(_ product: UnsafePointer<Float>, stride: Int, from first: Int) {
        unsafe upper.addStored(product, stride: stride, from: first)
        unsafe lower.addStored(product, stride: stride, from: first + Upper.rowCount)
    }
}

typealias TwoRows<Row: TileRow> = Stacked<OneRow<Row>, OneRow<Row>>
typealias FourRows<Row: TileRow> = Stacked<TwoRows<Row>, TwoRows<Row>>
typealias SixRows<Row: TileRow> = Stacked<FourRows<Row>, TwoRows<Row>>
typealias EightRows<Row: TileRow> = Stacked<FourRows<Row>, FourRows<Row>>
typealias FourteenRows<Row: TileRow> = Stacked<EightRows<Row>, SixRows<Row>>

/// The rows of a larger matrix that a product overwrites or is added to.
struct ProductBlock {
    var rows: Int
    let columns: Int
    /// Elements from one row to the next.
    let stride: Int
    /// Whether products are added to what is there.
    let accumulates: Bool

    /// Elements from the first to the last one.
    var count: Int { (rows - 1) * stride + columns }
}
