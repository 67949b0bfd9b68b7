/// One row of a tile in single precision, whose right operand consists of panels of sixteen
/// columns.
protocol PanelRow: TileRow where Element == Float {
    /// Loads one row of each of the row's panels, which are `panelStride` elements apart.
    init(_ panel: UnsafePointer<Float>, panelStride: Int)

    static func + (left: Self, right: Self) -> Self
}

/// Thirty-two columns of one row of a tile, or of the right operand.
struct WideRow: PanelRow {
    private var first = Vector()
    private var second = Vector()

    @inline(__always)
    init() {}

    @inline(__always)
    init(_ panel: UnsafePointer<Float>, panelStride: Int) {
        first = unsafe UnsafeRawPointer(panel).loadUnaligned(as: Vector.self)
        second = unsafe UnsafeRawPointer(panel + panelStride).loadUnaligned(as: Vector.self)
    }

    @inline(__always)
    init(_ row: UnsafePointer<Float>) { self = unsafe WideRow(row, panelStride: vectorWidth) }

    @inline(__always)
    mutating func add(_ factor: Float, _ right: WideRow) {
        let factor = Vector(repeating: factor)
        first = first.addingProduct(factor, right.first)
        second = second.addingProduct(factor, right.second)
    }

    @inline(__always)
    func store(_ row: UnsafeMutablePointer<Float>) {
        unsafe UnsafeMutableRawPointer(row).storeBytes(of: first, as: Vector.self)
        unsafe UnsafeMutableRawPointer(row + vectorWidth).storeBytes(of: second, as: Vector.self)
    }

    @inline(__always)
    static func + (left: WideRow, right: WideRow) -> WideRow {
        var sum = WideRow()
        sum.first = left.first + right.first
        sum.second = left.second + right.second
        return sum
    }
}

/// Sixteen columns of one row of a tile, or of the right operand.
struct NarrowRow: PanelRow {
    private var only = Vector()

    @inline(__always)
    init() {}

    @inline(__always)
    init(_ panel: UnsafePointer<Float>, panelStride: Int) { self = unsafe NarrowRow(panel) }

    @inline(__always)
    init(_ row: UnsafePointer<Float>) {
        only = unsafe UnsafeRawPointer(row).loadUnaligned(as: Vector.self)
    }

    @inline(__always)
    mutating func add(_ factor: Float, _ right: NarrowRow) {
        only = only.addingProduct(Vector(repeating: factor), right.only)
    }

    @inline(__always)
    func store(_ row: UnsafeMutablePointer<Float>) {
        unsafe UnsafeMutableRawPointer(row).storeBytes(of: only, as: Vector.self)
    }

    @inline(__always)
    static func + (left: NarrowRow, right: NarrowRow) -> NarrowRow {
        var sum = NarrowRow()
        sum.only = left.only + right.only
        return sum
    }
}
