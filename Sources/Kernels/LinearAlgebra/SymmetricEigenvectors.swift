internal import Memory

/// The eigenvalues of a symmetric matrix in ascending order, and its eigenvectors.
package struct SymmetricEigenvectors: Sendable {
    /// Shape `[D]`.
    package let values: [Double]
    /// Shape `[D, D]`; row `i` is of length 1 and belongs to value `i`. Its element of largest
    /// magnitude, the first of several, is positive.
    package let vectors: [Double]

    /// Householder tridiagonalisation, then the implicit QL algorithm, whose rotations are applied
    /// to the vectors in blocks. Runs on this thread.
    ///
    /// Additions, multiplications, divisions, square roots and fused multiply-adds run in a fixed
    /// order, so the bits are the same on every processor. Residuals `‖A v − λ v‖` are at most some
    /// `D · 2⁻⁵² ‖A‖`, and the products of different vectors some `D · 2⁻⁵²`. The plain twin is
    /// `Tests/TestSupport/PlainSymmetricEigenvectors.swift`.
    ///
    /// - Parameter matrix: Shape `[D, D]`, of which the upper triangle is read; finite.
    /// - Returns: `nil` if the iteration does not converge.
    package init?(of matrix: [Double], dimension: Int) {
        precondition(
            matrix.count == dimension * dimension && dimension >= 1,
            "\(matrix.count) elements as a square of \(dimension)")
        var largest = 0.0
        for i in 0..<dimension {
            for j in i..<dimension { largest = max(largest, abs(matrix[i * dimension + j])) }
        }
        // Scaled so that squares neither overflow nor underflow.
        let scale = normalizingScale(largest: largest)
        let scaled = matrix.map { $0 * scale }
        let reduced = Tridiagonalization(scaled.span, dimension: dimension)
        var rows = reduced.orthogonalRows()
        var iteration = TridiagonalQL(diagonal: reduced.diagonal, offDiagonal: reduced.offDiagonal)
        guard iteration.run(rotating: &rows) else { return nil }
        let unsorted = iteration.diagonal
        let order = unsorted.indices.sorted { (unsorted[$0], $0) < (unsorted[$1], $1) }
        values = order.map { unsorted[$0] / scale }
        var vectors = [Double](repeating: 0, count: dimension * dimension)
        var span = vectors.mutableSpan
        for (i, k) in order.enumerated() {
            var row = span.part(i * dimension..<(i + 1) * dimension)
            rows.copy(row: k, into: &row)
        }
        self.vectors = vectors
    }
}
