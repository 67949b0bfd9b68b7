internal import COpenBLAS

/// The eigenvalues of a symmetric matrix in rising order, and its eigenvectors.
public struct SymmetricEigenvectors: Sendable {
    /// Shape `[D]`.
    public let values: [Double]
    /// Shape `[D, D]`; row `i` is of length 1 and belongs to value `i`.
    public let vectors: [Double]

    /// LAPACK's divide and conquer, on this thread.
    ///
    /// - Parameter matrix: Shape `[D, D]`, of which one triangle is read; finite.
    /// - Returns: `nil` if the iteration does not converge.
    public init?(of matrix: [Double], dimension: Int) {
        precondition(
            matrix.count == dimension * dimension && dimension >= 1,
            "\(matrix.count) elements as a square of \(dimension)")
        useOneThreadPerLibraryProduct()
        var vectors = matrix
        var values = [Double](repeating: 0, count: dimension)
        var size = Int32(dimension)
        var info: Int32 = 0
        var (workCount, integerCount): (Int32, Int32) = (-1, -1)
        var work = [0.0]
        var integers = [Int32(0)]
        for _ in 0..<2 {
            unsafe dsyevd_(
                "V", "U", &size, &vectors, &size, &values, &work, &workCount, &integers, &integerCount, &info)
            guard info == 0 else { return nil }
            // The first call has asked for the sizes of the memory to work in.
            if workCount == -1 {
                (workCount, integerCount) = (Int32(work[0]), integers[0])
                work = [Double](repeating: 0, count: Int(workCount))
                integers = [Int32](repeating: 0, count: Int(integerCount))
            }
        }
        self.values = values
        self.vectors = vectors
    }
}

/// The shortest `x` among those with the smallest `‖A x − b‖`: the pseudo-inverse of `A` times `b`.
///
/// LAPACK's singular value decomposition, on this thread; singular values below the rounding of the largest count as 0.
///
/// - Parameters:
///   - matrix: `A`, shape `[M, N]`, finite.
///   - right: `b`, shape `[M]`.
/// - Returns: Shape `[N]`; `nil` if the iteration does not converge.
public func leastSquares(_ matrix: [Double], _ right: [Double]) -> [Double]? {
    let (m, n) = (right.count, matrix.count / max(right.count, 1))
    precondition(m >= 1 && n >= 1 && matrix.count == m * n, "\(matrix.count) elements in \(m) rows")
    useOneThreadPerLibraryProduct()
    // Fortran stores columns one after the other.
    var columns = (0..<m * n).map { matrix[$0 % m * n + $0 / m] }
    var solution = right + [Double](repeating: 0, count: max(n - m, 0))
    var singularValues = [Double](repeating: 0, count: min(m, n))
    var (rows, width, one, height) = (Int32(m), Int32(n), Int32(1), Int32(max(m, n)))
    var threshold = -1.0
    var (rank, info, workCount): (Int32, Int32, Int32) = (0, 0, -1)
    var work = [0.0]
    var integers = [Int32(0)]
    for _ in 0..<2 {
        unsafe dgelsd_(
            &rows, &width, &one, &columns, &rows, &solution, &height, &singularValues, &threshold, &rank,
            &work,
            &workCount, &integers, &info)
        guard info == 0 else { return nil }
        if workCount == -1 {
            workCount = Int32(work[0])
            work = [Double](repeating: 0, count: Int(workCount))
            integers = [Int32](repeating: 0, count: max(Int(integers[0]), 1))
        }
    }
    return Array(solution.prefix(n))
}
