/// The shortest `x` among those with the smallest `‖A x − b‖`: the pseudo-inverse of `A` times `b`.
///
/// Singular values of at most `max(M, N) · 2⁻⁵²` times the largest count as 0. Golub, Van Loan:
/// "Matrix Computations", fourth edition, sections 5.2.2 and 5.5.2: the taller of `A` and `Aᵀ` is
/// factorised as `Q R`, and the singular vectors of `R` are computed from the eigenvectors of
/// `[[0, R], [Rᵀ, 0]]`, section 8.6.1, which squares no elements. Runs on this thread in a fixed
/// order, as `SymmetricEigenvectors`.
///
/// - Parameters:
///   - matrix: `A`, shape `[M, N]`, finite.
///   - right: `b`, shape `[M]`, finite.
/// - Returns: Shape `[N]`; `nil` if the iteration does not converge.
package func leastSquares(_ matrix: [Double], _ right: [Double]) -> [Double]? {
    let (m, n) = (right.count, matrix.count / max(right.count, 1))
    precondition(m >= 1 && n >= 1 && matrix.count == m * n, "\(matrix.count) elements in \(m) rows")
    let scale = normalizingScale(largest: matrix.reduce(0) { max($0, abs($1)) })
    let isWide = m <= n
    // A is Q R, or Rᵀ Qᵀ.
    let factors = HouseholderQR(length: max(m, n), count: min(m, n)) { row, column in
        scale * matrix[isWide ? column * n + row : row * n + column]
    }
    let solution = solve(
        dimension: min(m, n), cutoff: Double(max(m, n)) * .ulpOfOne,
        isWide ? right : factors.product(right, transposed: true)
    ) { isWide ? factors.triangle($1, $0) : factors.triangle($0, $1) }
    guard let solution else { return nil }
    let result = isWide ? factors.product(solution, transposed: false) : solution
    return result.map { $0 * scale }
}

/// The pseudo-inverse of a square matrix times `right`.
///
/// - Parameters:
///   - cutoff: Singular values of at most this fraction of the largest count as 0.
///   - right: Only the first `dimension` elements are used.
private func solve(
    dimension: Int, cutoff: Double, _ right: [Double], element: (_ row: Int, _ column: Int) -> Double
) -> [Double]? {
    let size = 2 * dimension
    var symmetric = [Double](repeating: 0, count: size * size)
    for i in 0..<dimension {
        for j in 0..<dimension { symmetric[i * size + dimension + j] = element(i, j) }
    }
    guard let eigen = SymmetricEigenvectors(of: symmetric, dimension: size) else { return nil }
    let largest = eigen.values.reduce(0) { max($0, abs($1)) }
    var solution = [Double](repeating: 0, count: dimension)
    for (k, value) in eigen.values.enumerated() where abs(value) > cutoff * largest {
        let vector = eigen.vectors.span.extracting(k * size..<(k + 1) * size)
        var along = 0.0
        for i in 0..<dimension { along = along.addingProduct(vector[i], right[i]) }
        let share = along / value
        for i in 0..<dimension {
            solution[i] = solution[i].addingProduct(share, vector[dimension + i])
        }
    }
    return solution
}
