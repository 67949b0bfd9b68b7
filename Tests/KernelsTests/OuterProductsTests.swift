import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct OuterProductsTests {
    private func accumulated(_ rows: [Double], onto sums: [Double]) -> [Double] {
        var result = sums
        var span = result.mutableSpan
        accumulateOuterProducts(of: rows.span, into: &span)
        return result
    }

    /// Sizes below, at and above the tiles' 4, 8, 12 and 24, and the 128 rows of a panel.
    @Test(arguments: [1, 3, 8, 12, 23, 24, 25, 49, 61], [0, 1, 5, 128, 131])
    func agreesWithThePlainTwinToTheBit(dimension: Int, rows: Int) {
        let values = testDoubles(count: rows * dimension, stream: 1)
        let sums = testDoubles(count: dimension * dimension, stream: 2)
        let expected = plainOuterProducts(of: values, addedTo: sums, dimension: dimension)
        // The twin keeps the lower triangle of `sums`, so this also checks that it is unchanged.
        #expect(accumulated(values, onto: sums).map(\.bitPattern) == expected.map(\.bitPattern))
    }

    @Test func howRowsAreCutIntoCallsDoesNotMatter() {
        let values = testDoubles(count: 300 * 31, stream: 1)
        let zeros = [Double](repeating: 0, count: 31 * 31)
        let parts = accumulated(
            Array(values[(77 * 31)...]), onto: accumulated(Array(values[..<(77 * 31)]), onto: zeros))
        #expect(accumulated(values, onto: zeros) == parts)
    }

    @Test func hasTheSameBitsOnEveryProcessor() {
        let zeros = [Double](repeating: 0, count: 50 * 50)
        #expect(
            fingerprint(accumulated(testDoubles(count: 150 * 50, stream: 1), onto: zeros))
                == 0x29FF_7144_3726_5DB7)
    }
}
