import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct MatrixProductTests {
    /// Shapes smaller and larger than the blocks of 112 rows, 128 columns and 256 inner elements.
    private static let sizes = [
        (1, 1, 1), (3, 17, 5), (16, 64, 33), (65, 7, 129), (113, 3, 16), (5, 145, 257), (14, 32, 600),
        (2, 10, 0),
    ]

    private func product(
        _ left: [Float], _ leftUse: Transposition, _ right: [Float], _ rightUse: Transposition, rows: Int,
        columns: Int, inner: Int
    ) -> [Float] {
        overwritten(rows * columns) {
            var scratch = [Float](repeating: .nan, count: matrixProductScratchCount)
            var span = scratch.mutableSpan
            matrixProduct(
                StoredMatrix(left.span, leftUse, rows: rows, columns: inner),
                StoredMatrix(right.span, rightUse, rows: inner, columns: columns), into: &$0,
                scratch: &span)
        }
    }

    @Test(
        arguments: sizes,
        [
            (Transposition.none, Transposition.none), (.none, .transposed), (.transposed, .none),
            (.transposed, .transposed),
        ])
    func everyElementIsOneChainInOrder(
        size: (m: Int, n: Int, k: Int), use: (left: Transposition, right: Transposition)
    ) {
        let left = testValues(count: size.m * size.k, stream: 1)
        let right = testValues(count: size.k * size.n, stream: 2)
        let found = product(
            left, use.left, right, use.right, rows: size.m, columns: size.n, inner: size.k)
        let expected = plainMatrixProduct(
            left, use.left, right, use.right, rows: size.m, columns: size.n, inner: size.k)
        #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
    }

    @Test func aRowDoesNotDependOnTheRowsBesideIt() {
        let (rows, columns, inner) = (40, 33, 300)
        let left = testValues(count: rows * inner, stream: 1)
        let right = testValues(count: columns * inner, stream: 2)
        let together = product(
            left, .none, right, .transposed, rows: rows, columns: columns, inner: inner)
        for row in 0..<rows {
            let alone = product(
                Array(left[row * inner..<(row + 1) * inner]), .none, right, .transposed, rows: 1,
                columns: columns, inner: inner)
            #expect(alone == Array(together[row * columns..<(row + 1) * columns]))
        }
    }
}
