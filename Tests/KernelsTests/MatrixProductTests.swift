import Kernels
import TestSupport
import Testing

struct MatrixProductTests {
    @Test(
        arguments: [(1, 1, 1), (3, 17, 5), (16, 64, 33), (65, 7, 129)],
        [
            (Transposition.none, Transposition.none), (.none, .transposed), (.transposed, .none),
            (.transposed, .transposed),
        ])
    func matchesThePlainTwin(size: (m: Int, n: Int, k: Int), use: (left: Transposition, right: Transposition))
    {
        let left = testValues(count: size.m * size.k, stream: 1)
        let right = testValues(count: size.k * size.n, stream: 2)
        let product = overwritten(size.m * size.n) {
            matrixProduct(
                left.span, use.left, right.span, use.right, rows: size.m, columns: size.n, inner: size.k,
                into: &$0)
        }
        let expected = plainMatrixProduct(
            left.doubles, use.left, right.doubles, use.right, rows: size.m, columns: size.n, inner: size.k)
        #expect(relativeError(product, expected) < 1e-6)
    }

    @Test func accumulatingAddsTheProductToWhatIsThere() {
        let left = testValues(count: 3 * 5, stream: 1)
        let right = testValues(count: 5 * 7, stream: 2)
        let before = testValues(count: 3 * 7, stream: 3)
        var sum = before
        var span = sum.mutableSpan
        matrixProduct(
            left.span, .none, right.span, .none, rows: 3, columns: 7, inner: 5, into: &span, accumulates: true
        )
        let product = plainMatrixProduct(
            left.doubles, .none, right.doubles, .none, rows: 3, columns: 7, inner: 5)
        #expect(relativeError(sum, zip(before.doubles, product).map { $0 + $1 }) < 1e-6)
    }
}
