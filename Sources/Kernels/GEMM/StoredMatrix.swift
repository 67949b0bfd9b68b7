internal import Memory

/// Whether a matrix is used as stored or transposed.
package enum Transposition: Sendable { case none, transposed }

/// A dense row-major matrix in memory, or its transpose.
package struct StoredMatrix: ~Escapable {
    let rows: Int
    let columns: Int
    let elements: Span<Float>
    let isTransposed: Bool

    /// - Parameters:
    ///   - elements: Shape `[rows, columns]`, or `[columns, rows]` if `use` is `.transposed`.
    ///   - rows: Rows of the matrix as it is used.
    @_lifetime(copy elements)
    package init(_ elements: Span<Float>, _ use: Transposition = .none, rows: Int, columns: Int) {
        precondition(
            elements.count == rows * columns, "\(elements.count) elements as [\(rows), \(columns)]")
        (self.rows, self.columns, self.elements) = (rows, columns, elements)
        isTransposed = use == .transposed
    }

    /// Index of an element.
    @inline(__always)
    private func place(_ row: Int, _ column: Int) -> Int {
        isTransposed ? column * rows + row : row * columns + column
    }

    @inline(__always)
    subscript(row: Int, column: Int) -> Float { elements.element(at: place(row, column)) }

    /// Sixteen contiguous elements: of a row, or of a column if the matrix is transposed.
    @inline(__always)
    private func vector(_ row: Int, _ column: Int) -> Vector { elements.vector(at: place(row, column)) }

    /// Overwrites `tiles` with a block as row tiles (`multiplyTiles`); columns are padded with
    /// zeros to whole vectors.
    func packRowTiles(_ block: Range<Int>, _ inner: Range<Int>, into tiles: inout MutableSpan<Float>) {
        let depth = paddedToVectors(inner.count)
        for (line, row) in block.enumerated() {
            let (tile, height) = line.quotientAndRemainder(dividingBy: tileRows)
            for start in stride(from: 0, to: depth, by: vectorWidth) {
                let target = tile * tileRows * depth + start * tileRows + height * vectorWidth
                let count = min(vectorWidth, inner.count - start)
                if !isTransposed && count == vectorWidth {
                    tiles.store(vector(row, inner.lowerBound + start), at: target)
                } else {
                    var values = Vector()
                    for i in 0..<count { values[i] = self[row, inner.lowerBound + start + i] }
                    tiles.store(values, at: target)
                }
            }
        }
    }

    /// Overwrites `panels` with a block as panels of sixteen columns, shape
    /// `[⌈columns / 16⌉, inner, 16]`, padded with zeros.
    func packPanels(_ inner: Range<Int>, _ block: Range<Int>, into panels: inout MutableSpan<Float>) {
        let depth = paddedToVectors(inner.count)
        for first in stride(from: 0, to: block.count, by: vectorWidth) {
            let own = block.lowerBound + first..<min(block.lowerBound + first + vectorWidth, block.upperBound)
            var panel = panels.part(first * depth..<(first + vectorWidth) * depth)
            if own.count == vectorWidth && isTransposed {
                packSquares(inner, own.lowerBound, into: &panel)
            } else {
                packRows(inner, own, into: &panel)
            }
            for row in inner.count..<depth { panel.store(Vector(), at: row * vectorWidth) }
        }
    }

    /// One panel of at most sixteen columns, row by row.
    private func packRows(_ inner: Range<Int>, _ own: Range<Int>, into panel: inout MutableSpan<Float>) {
        for (line, row) in inner.enumerated() {
            if own.count == vectorWidth && !isTransposed {
                panel.store(vector(row, own.lowerBound), at: line * vectorWidth)
            } else {
                var values = Vector()
                for (i, column) in own.enumerated() { values[i] = self[row, column] }
                panel.store(values, at: line * vectorWidth)
            }
        }
    }

    /// One whole panel of a transposed matrix, square by square.
    private func packSquares(_ inner: Range<Int>, _ column: Int, into panel: inout MutableSpan<Float>) {
        let whole = inner.count / vectorWidth * vectorWidth
        for line in stride(from: 0, to: whole, by: vectorWidth) {
            transposeSquare(
                elements, at: place(inner.lowerBound + line, column), stride: rows, into: &panel,
                at: line * vectorWidth)
        }
        let rest = inner.lowerBound + whole..<inner.upperBound
        guard !rest.isEmpty else { return }
        var last = panel.part(whole * vectorWidth..<panel.count)
        packRows(rest, column..<column + vectorWidth, into: &last)
    }
}
