import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct LeastSquaresTests {
    /// `left · right` of shapes `[rows, inner]` and `[inner, columns]`.
    private func product(_ left: [Double], _ right: [Double], _ rows: Int, _ inner: Int) -> [Double] {
        plainMatrixProduct(left, .none, right, .none, rows: rows, columns: right.count / inner, inner: inner)
    }

    /// `Aᵀ · vector`.
    private func transposedProduct(_ matrix: [Double], _ vector: [Double]) -> [Double] {
        plainMatrixProduct(
            vector, .none, matrix, .none, rows: 1, columns: matrix.count / vector.count, inner: vector.count)
    }

    @Test(arguments: [(1, 1), (1, 7), (7, 1), (5, 5), (3, 20), (20, 3), (10, 64), (33, 17)])
    func theResidualIsOrthogonalAndTheSolutionShortest(rows: Int, columns: Int) throws {
        let matrix = testDoubles(count: rows * columns, stream: 1)
        let right = testDoubles(count: rows, stream: 2)
        let solution = try #require(leastSquares(matrix, right))
        let residual = zip(product(matrix, solution, rows, columns), right).map { $0 - $1 }
        #expect(euclideanNorm(transposedProduct(matrix, residual)) < 1e-13)
        // The shortest solution is Aᵀ times a vector: it has no component in the null space of A.
        if rows <= columns {
            #expect(euclideanNorm(residual) < 1e-13)
            let weights = try #require(
                leastSquares((0..<columns * rows).map { matrix[$0 % rows * columns + $0 / rows] }, solution))
            #expect(relativeError(transposedProduct(matrix, weights), solution) < 1e-12)
        }
    }

    /// A product of shapes `[M, r]` and `[r, N]`, whose pseudo-inverse is the product of the
    /// factors' pseudo-inverses.
    @Test(arguments: [(10, 64, 6), (64, 10, 6), (30, 20, 1), (20, 20, 19)])
    func singularValuesOfRoundingAreZero(rows: Int, columns: Int, rank: Int) throws {
        let left = testDoubles(count: rows * rank, stream: 1)
        let right = testDoubles(count: rank * columns, stream: 2)
        let vector = testDoubles(count: rows, stream: 3)
        let solution = try #require(leastSquares(product(left, right, rows, rank), vector))
        let inner = try #require(leastSquares(left, vector))
        let expected = try #require(leastSquares(right, inner))
        #expect(relativeError(solution, expected) < 1e-11)
    }

    /// Expected values: `numpy.linalg.pinv(A) @ b`.
    @Test func matchesNumPy() throws {
        let matrix: [Double] = [1, 2, 3, 4, 5, 6]
        let wide = try #require(leastSquares(matrix, [1, -1]))
        #expect(relativeError(wide, [-25.0 / 18, -2.0 / 9, 17.0 / 18]) < 1e-14)
        let tall = try #require(leastSquares(matrix, [1, -1, 2]))
        #expect(relativeError(tall, [1.0 / 3, -1.0 / 12]) < 1e-14)
    }

    @Test func ofZeroIsZero() {
        #expect(leastSquares([0, 0, 0, 0, 0, 0], [1, 2]) == [0, 0, 0])
    }

    @Test(arguments: [0x1p-900, 0x1p900])
    func scalesWithTheMatrix(scale: Double) throws {
        let matrix = testDoubles(count: 12, stream: 4)
        let right = testDoubles(count: 3, stream: 5)
        let plain = try #require(leastSquares(matrix, right))
        #expect(leastSquares(matrix.map { $0 * scale }, right) == plain.map { $0 / scale })
    }

    @Test func hasTheSameBitsOnEveryProcessor() throws {
        let right = testDoubles(count: 30, stream: 2)
        let wide = try #require(leastSquares(testDoubles(count: 30 * 70, stream: 1), right))
        let tall = try #require(leastSquares(testDoubles(count: 30 * 11, stream: 3), right))
        #expect(fingerprint(wide) == 0xEA98_69F1_6D1A_9D10)
        #expect(fingerprint(tall) == 0xF643_CEFA_D69C_4EE1)
    }
}
