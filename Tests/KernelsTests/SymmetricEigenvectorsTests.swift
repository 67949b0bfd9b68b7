import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct SymmetricEigenvectorsTests {
    /// `D · 2⁻⁵²` is the effect of one rounding per element. The errors of `D` steps mostly cancel,
    /// so only small matrices need the added 4.
    private func tolerance(_ dimension: Int) -> Double { 4 * Double(dimension + 4) * .ulpOfOne }

    /// Checks that values ascend, that vectors are orthonormal, and that they are eigenvectors,
    /// relative to the largest value.
    private func check(
        _ matrix: [Double], _ dimension: Int, sourceLocation: SourceLocation = #_sourceLocation
    )
        throws
    {
        let eigen = try #require(
            SymmetricEigenvectors(of: matrix, dimension: dimension), sourceLocation: sourceLocation)
        let largest = eigen.values.map(abs).max()!
        #expect(
            zip(eigen.values, eigen.values.dropFirst()).allSatisfy { $0 <= $1 },
            sourceLocation: sourceLocation)
        let rows = (0..<dimension).map { Array(eigen.vectors[$0 * dimension..<($0 + 1) * dimension]) }
        var orthogonality = 0.0
        var residual = 0.0
        for (i, row) in rows.enumerated() {
            for (j, other) in rows.enumerated() {
                orthogonality = max(orthogonality, abs(innerProduct(row, other) - (i == j ? 1 : 0)))
            }
            let image = (0..<dimension).map { r in
                innerProduct(Array(matrix[r * dimension..<(r + 1) * dimension]), row)
            }
            let rest = zip(image, row).map { ($0 - eigen.values[i] * $1) / (largest > 0 ? largest : 1) }
            residual = max(residual, euclideanNorm(rest))
        }
        #expect(orthogonality < tolerance(dimension), sourceLocation: sourceLocation)
        #expect(residual < tolerance(dimension), sourceLocation: sourceLocation)
    }

    @Test(arguments: [1, 2, 3, 5, 8, 15, 16, 17, 24, 33, 49, 64, 100])
    func agreesWithThePlainTwinToTheBit(dimension: Int) throws {
        let matrix = testSymmetric(dimension: dimension, stream: dimension)
        let eigen = try #require(SymmetricEigenvectors(of: matrix, dimension: dimension))
        let plain = try #require(PlainSymmetricEigenvectors(of: matrix, dimension: dimension))
        #expect(eigen.values.map(\.bitPattern) == plain.values.map(\.bitPattern))
        #expect(eigen.vectors.map(\.bitPattern) == plain.vectors.map(\.bitPattern))
    }

    @Test(arguments: [1, 2, 3, 16, 49, 150])
    func ofADrawnMatrix(dimension: Int) throws {
        try check(testSymmetric(dimension: dimension, stream: 1), dimension)
    }

    /// Scales of rows and columns from 1e6 down to 1e-12, and in reverse order.
    @Test(arguments: [false, true])
    func ofAGradedMatrix(rises: Bool) throws {
        let dimension = 40
        let scales = (0..<dimension).map { i -> Double in
            let place = rises ? dimension - 1 - i : i
            return (0..<place).reduce(1e3) { scale, _ in scale * 0.588 }
        }
        let drawn = testSymmetric(dimension: dimension, stream: 2)
        let matrix = drawn.indices.map { drawn[$0] * scales[$0 / dimension] * scales[$0 % dimension] }
        try check(matrix, dimension)
    }

    @Test func ofFewerRowsThanDimensions() throws {
        let dimension = 60
        var sums = [Double](repeating: 0, count: dimension * dimension)
        var span = sums.mutableSpan
        accumulateOuterProducts(of: testDoubles(count: 7 * dimension, stream: 3).span, into: &span)
        let matrix = sums.indices.map { place in
            sums[
                min(place / dimension, place % dimension) * dimension
                    + max(place / dimension, place % dimension)]
        }
        try check(matrix, dimension)
        let values = try #require(SymmetricEigenvectors(of: matrix, dimension: dimension)).values
        #expect(values.filter { $0 > 1e-13 * values.last! }.count == 7)
    }

    /// Blocks of ones: the eigenvalue 5 six times, and 0.
    @Test func ofRepeatedValues() throws {
        let matrix = (0..<30 * 30).map { $0 / 30 / 5 == $0 % 30 / 5 ? 1.0 : 0 }
        try check(matrix, 30)
        let values = try #require(SymmetricEigenvectors(of: matrix, dimension: 30)).values
        for value in values.suffix(6) { #expect(abs(value - 5) < 1e-14) }
    }

    @Test func ofADiagonalMatrixAreItsElementsInOrder() throws {
        let matrix = (0..<16).map { $0 % 5 == 0 ? [3.0, -1, 2, -1][$0 / 5] : 0 }
        let eigen = try #require(SymmetricEigenvectors(of: matrix, dimension: 4))
        #expect(eigen.values == [-1, -1, 2, 3])
        // Equal values keep their order of rows.
        #expect(eigen.vectors == [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0])
    }

    @Test func ofZero() throws {
        let eigen = try #require(SymmetricEigenvectors(of: [0, 0, 0, 0], dimension: 2))
        #expect(eigen.values == [0, 0])
        #expect(eigen.vectors == [1, 0, 0, 1])
    }

    @Test(arguments: [0x1p-1022, 1e-300, 1e-160, 1e160, 1e300])
    func ofTinyAndHugeMatrices(scale: Double) throws {
        let drawn = testSymmetric(dimension: 20, stream: 4)
        let power = scale.binade
        let plain = try #require(SymmetricEigenvectors(of: drawn, dimension: 20))
        let scaled = try #require(SymmetricEigenvectors(of: drawn.map { $0 * power }, dimension: 20))
        if scale > 1e-300 {
            #expect(scaled.values == plain.values.map { $0 * power })
            #expect(scaled.vectors == plain.vectors)
        } else {
            #expect(relativeError(scaled.values.map { $0 / power }, plain.values) < 1e-14)
        }
    }

    /// Columns so small that the squares of their elements are subnormal beside a large element.
    @Test(arguments: [1e-100, 1e-155, 1e-161, 1e-170])
    func ofElementsWhoseSquaresVanish(size: Double) throws {
        var matrix = testSymmetric(dimension: 12, stream: 5).map { $0 * size }
        matrix[5 * 12 + 5] = 1
        try check(matrix, 12)
    }

    /// The element of largest magnitude is positive, and only the upper triangle is read.
    @Test func theSignAndTheTriangleAreFixed() throws {
        var matrix = testSymmetric(dimension: 19, stream: 6)
        let eigen = try #require(SymmetricEigenvectors(of: matrix, dimension: 19))
        for k in 0..<19 {
            let row = eigen.vectors[k * 19..<(k + 1) * 19]
            #expect(row.max()! >= -row.min()!)
        }
        for i in 0..<19 { for j in 0..<i { matrix[i * 19 + j] = .nan } }
        let again = try #require(SymmetricEigenvectors(of: matrix, dimension: 19))
        #expect(again.vectors == eigen.vectors)
    }

    @Test func whatIsNotFiniteHasNone() {
        #expect(SymmetricEigenvectors(of: [1, .nan, .nan, 1], dimension: 2) == nil)
    }

    @Test func hasTheSameBitsOnEveryProcessor() throws {
        let eigen = try #require(
            SymmetricEigenvectors(of: testSymmetric(dimension: 150, stream: 1), dimension: 150))
        #expect(fingerprint(eigen.values) == 0xDE90_E2E8_20B2_223B)
        #expect(fingerprint(eigen.vectors) == 0x22F4_2C46_96A9_F5A9)
    }
}
