/// The rows of a strip's tiles in the products of the 36 values, which are `6 i + j` for the points `i`
/// along the rows and `j` along the columns.
///
/// A shorter tile has no values at the last points (`WinogradTransforms`), so that the products there
/// have fewer rows than tiles.
struct WinogradRows {
    /// For each class of points along the rows and each along the columns, three of either: the tiles
    /// that have their values.
    private(set) var counts = InlineArray<9, Int>(repeating: 0)

    /// Tiles of three positions have no value at point 4, those of two none at points 3 and 4.
    @inline(__always)
    static func pointClass(_ point: Int) -> Int { point == 4 ? 2 : point == 3 ? 1 : 0 }

    /// Counts a tile.
    @inline(__always)
    mutating func append(_ place: TileGrid.Place) {
        for i in 0..<3 - place.shortRows {
            for j in 0..<3 - place.shortColumns { counts[3 * i + j] += 1 }
        }
    }

    /// Rows of a product.
    @inline(__always)
    func count(_ product: Int) -> Int {
        let (i, j) = product.quotientAndRemainder(dividingBy: 6)
        return counts[3 * Self.pointClass(i) + Self.pointClass(j)]
    }

    /// Whether a tile has the value of a product.
    @inline(__always)
    static func has(_ place: TileGrid.Place, _ product: Int) -> Bool {
        let (i, j) = product.quotientAndRemainder(dividingBy: 6)
        return pointClass(i) + place.shortRows <= 2 && pointClass(j) + place.shortColumns <= 2
    }
}

/// Where a tile's values are stored: for each class of points, without the offset of the product.
struct WinogradStarts {
    private var places = InlineArray<9, Int>(repeating: 0)

    /// The tile after those in `rows`, in row tiles of `inner` elements.
    @inline(__always)
    init(tiles start: Int, _ rows: WinogradRows, inner: Int) {
        for index in 0..<9 { places[index] = start + rowTilePlace(row: rows.counts[index], inner: inner) }
    }

    /// The tile after those in `rows`, in rows of `width` elements.
    @inline(__always)
    init(rows start: Int, _ rows: WinogradRows, width: Int) {
        for index in 0..<9 { places[index] = start + rows.counts[index] * width }
    }

    /// The same place for all.
    @inline(__always)
    init(_ start: Int) {
        for index in 0..<9 { places[index] = start }
    }

    /// The starts at point `i` along the rows, by class along the columns.
    @inline(__always)
    func row(_ i: Int) -> (Int, Int, Int) {
        let first = 3 * WinogradRows.pointClass(i)
        return (places[first], places[first + 1], places[first + 2])
    }

    /// The starts at point `j` along the columns, by class along the rows.
    @inline(__always)
    func column(_ j: Int) -> (Int, Int, Int) {
        let first = WinogradRows.pointClass(j)
        return (places[first], places[first + 3], places[first + 6])
    }
}
