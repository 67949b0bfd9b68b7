import Kernels
import TestSupport
import Testing
import Workers

@Suite(.timeLimit(.minutes(30))) struct FlatL2IndexTests {
    private func nearest(
        _ queries: [Float], _ rows: [Float], dimension: Int, neighbors: Int, threads: Int = 1
    ) -> [[Float]] {
        var result = [Float](repeating: -1, count: queries.count / dimension * neighbors)
        var span = result.mutableSpan
        FlatL2Index(rows.span, dimension: dimension).fillSmallestDistances(
            of: queries.span, neighbors: neighbors, into: &span, on: WorkerPool(threads: threads))
        return stride(from: 0, to: result.count, by: neighbors).map {
            result[$0..<$0 + neighbors].sorted()
        }
    }

    /// Elements are from −1 to 1, so a squared distance has rounding errors of numbers up to the
    /// dimension.
    @Test(arguments: [
        [1, 1, 1, 1], [3, 7, 5, 2], [113, 1000, 17, 50], [14, 33, 512, 33], [5, 4097, 64, 1000],
    ])
    func matchesThePlainTwin(sizes: [Int]) {
        let (count, rowCount, dimension, neighbors) = (sizes[0], sizes[1], sizes[2], sizes[3])
        let queries = testValues(count: count * dimension, stream: 1)
        let rows = testValues(count: rowCount * dimension, stream: 2)
        let expected = plainDistances(of: queries, to: rows, dimension: dimension)
        let found = nearest(queries, rows, dimension: dimension, neighbors: neighbors)
        for (found, expected) in zip(found, expected) {
            for (found, expected) in zip(found, expected) {
                #expect(abs(Double(found) - expected) <= 1e-6 * Double(dimension))
            }
        }
    }

    /// Independent of the other rows of the index and the other queries of the search.
    @Test func aDistancesBitsAreThoseOfItsTwoRows() {
        let queries = testValues(count: 120 * 33, stream: 1)
        let rows = testValues(count: 70 * 33, stream: 2)
        let together = nearest(queries, rows, dimension: 33, neighbors: 70, threads: 3)
        for query in [0, 57, 119] {
            let own = Array(queries[query * 33..<(query + 1) * 33])
            let alone = (0..<70).map {
                nearest(own, Array(rows[$0 * 33..<($0 + 1) * 33]), dimension: 33, neighbors: 1)[0][0]
            }
            #expect(alone.sorted() == together[query])
        }
    }

    @Test(arguments: [[1, 1, 1], [113, 70, 33], [5, 0, 3]])
    func allDistancesAreThoseOfTheSearch(sizes: [Int]) {
        let (count, rowCount, dimension) = (sizes[0], sizes[1], sizes[2])
        let queries = testValues(count: count * dimension, stream: 1)
        let rows = testValues(count: rowCount * dimension, stream: 2)
        let found = FlatL2Index(rows.span, dimension: dimension).distances(
            of: queries.span, on: WorkerPool(threads: 2))
        #expect(found.count == count * rowCount)
        guard rowCount > 0 else { return }
        let expected = nearest(queries, rows, dimension: dimension, neighbors: rowCount)
        for query in 0..<count {
            #expect(found[query * rowCount..<(query + 1) * rowCount].sorted() == expected[query])
        }
    }

    /// Rows that are almost equal, equal, or of very different norms: where bounds cannot separate
    /// them, distances must.
    @Test(arguments: [1, 50, 200])
    func boundsLoseNoNeighbor(neighbors: Int) {
        let dimension = 33
        let drawn = testValues(count: 3000 * dimension, stream: 2)
        let queries = testValues(count: 9 * dimension, stream: 1)
        let banks: [(Int) -> Float] = [
            { queries[$0 % dimension] + 1e-5 * drawn[$0] },
            { queries[$0 % dimension] + Float($0 / dimension % 3) },
            { drawn[$0] * Float([1e-22, 1e-6, 1e-3, 1, 1e3][$0 / dimension % 5]) },
            { _ in 0 },
        ]
        for value in banks {
            let rows = (0..<3000 * dimension).map(value)
            let all = FlatL2Index(rows.span, dimension: dimension).distances(
                of: queries.span, on: WorkerPool(threads: 1))
            let found = nearest(queries, rows, dimension: dimension, neighbors: neighbors)
            for query in 0..<9 {
                let expected = all[query * 3000..<(query + 1) * 3000].sorted().prefix(neighbors)
                #expect(found[query] == Array(expected))
            }
        }
    }

    @Test func whereTheBankHasFewerRowsDistancesAreInfinite() {
        let found = nearest([0, 0], [3, 4], dimension: 2, neighbors: 3)
        #expect(found == [[25, .infinity, .infinity]])
        #expect(nearest([1, 2], [], dimension: 2, neighbors: 2) == [[.infinity, .infinity]])
    }

    @Test func aQueryWithANaNHasNoNumbers() {
        var result: [Float] = [0, 0, 0, 0]
        var span = result.mutableSpan
        let (rows, queries): ([Float], [Float]) = ([1, 2, 3, 4], [.nan, 1, 1, 2])
        FlatL2Index(rows.span, dimension: 2).fillSmallestDistances(
            of: queries.span, neighbors: 2, into: &span, on: WorkerPool(threads: 1))
        #expect(result[0].isNaN && result[1].isNaN)
        #expect(result[2...].sorted() == [0, 8])
    }

    @Test(arguments: [1, 2, 500, 999, 1000])
    func theSmallestComeFirst(count: Int) {
        // Many values are equal.
        var values = testValues(count: 1000, stream: 3).map { ($0 * 50).rounded() }
        let expected = Array(values.sorted().prefix(count))
        var span = values.mutableSpan
        gatherSmallest(count, of: &span)
        #expect(values.prefix(count).sorted() == expected)
    }
}
