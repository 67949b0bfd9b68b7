internal import CProcessor
internal import Memory
package import Workers

/// A flat L2 index: exact search for the k nearest rows of each query.
///
/// A search scans int16 copies of the rows, whose products give a lower and an upper bound of every
/// distance. Only rows that the bounds do not exclude, hardly more than k, have their distances
/// computed in single precision. So the search is exact, and a distance is one chain of operations
/// over the two rows alone: an index can be split in any way.
///
/// Takes 6 bytes per element. Rows are padded to 16 elements, and the int16 copies to 16 rows. The
/// plain twin is `Tests/TestSupport/PlainNeighbors.swift`.
package final class FlatL2Index: Sendable {
    /// Queries that one worker searches together: 344 kB of int16 rows of 512 elements, which stay
    /// in the L2 cache while the index streams through.
    private static let groupSize = 336

    /// Number of rows.
    package let count: Int
    /// Elements per row.
    package let dimension: Int
    /// Shape `[count, inner]`; `inner` is `dimension` padded to whole vectors.
    private let rows: Buffer<Float>
    /// The int16 rows, shape `[⌈count / 16⌉, inner / 2, 16]`.
    private let panels: Buffer<Int32>
    /// The rows' L2 norms, 0 for padding rows.
    private let lengths: [Float]
    /// The rows' squared L2 norms, infinite for padding rows.
    private let squares: [Float]
    /// The largest of `Int16Rows.errors`.
    private let bankError: Float

    private var inner: Int { paddedToVectors(dimension) }

    /// - Parameter rows: Shape `[count, dimension]`.
    package init(_ rows: Span<Float>, dimension: Int) {
        precondition(
            dimension >= 1 && rows.count.isMultiple(of: dimension),
            "\(rows.count) elements, no multiple of \(dimension)")
        count = rows.count / dimension
        self.dimension = dimension
        self.rows = filledRows(rows, dimension: dimension)
        let pairs = paddedToVectors(dimension) / 2
        let squares = squaredLengths(rows, dimension: dimension)
        let filled = paddedToVectors(count)
        var panels = Buffer<Int32>(zeros: filled * pairs)
        var panelSpan = panels.mutableSpan
        var lengths: [Float] = []
        var bankError: Float = 0
        for first in stride(from: 0, to: count, by: vectorWidth) {
            let some = first..<min(first + vectorWidth, count)
            let int16Rows = Int16Rows(
                rows.extracting(some.lowerBound * dimension..<some.upperBound * dimension),
                dimension: dimension, pairCount: pairs, squares: squares[some])
            for row in 0..<some.count {
                for pair in 0..<pairs {
                    panelSpan[first * pairs + pair * vectorWidth + row] = int16Rows.pairs[row * pairs + pair]
                }
            }
            lengths += int16Rows.lengths
            bankError = int16Rows.errors.reduce(bankError, max)
        }
        self.panels = panels
        self.bankError = bankError
        self.lengths = lengths + [Float](repeating: 0, count: filled - count)
        self.squares = squares + [Float](repeating: .infinity, count: filled - count)
    }

    /// Overwrites `nearest` with the smallest squared distances of each query, in any order;
    /// infinite if the index has fewer rows than `neighbors`.
    ///
    /// `Σ (aⱼ − bⱼ)²` in single precision. A query that contains a NaN has NaN distances; a query
    /// with an infinite squared norm has infinite distances.
    ///
    /// - Parameters:
    ///   - queries: Shape `[Q, dimension]`.
    ///   - neighbors: Number of distances per query, `k`.
    ///   - nearest: Shape `[Q, k]`.
    package func fillSmallestDistances(
        of queries: Span<Float>, neighbors: Int, into nearest: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        precondition(
            neighbors >= 1 && queries.count / dimension * neighbors == nearest.count,
            "\(nearest.count) distances for \(queries.count / dimension) queries and \(neighbors) neighbours")
        pool.split(
            &nearest, every: Self.groupSize * neighbors,
            scratch: TopK.memory(queries: Self.groupSize, neighbors: neighbors)
        ) { group, part, memory in
            let first = group * Self.groupSize * dimension
            let own = queries.extracting(first..<first + part.count / neighbors * dimension)
            withSpans(rows, panels) {
                search(own, $0, panels: $1, neighbors: neighbors, into: &part, memory: &memory)
            }
        }
    }

    /// Searches one group of queries.
    private func search(
        _ queries: Span<Float>, _ rows: Span<Float>, panels: Span<Int32>, neighbors: Int,
        into nearest: inout MutableSpan<Float>, memory: inout MutableSpan<Float>
    ) {
        let pairs = inner / 2
        let filled = filledRows(queries, dimension: dimension)
        let exact = RowDistances(queries: filled.span, rows: rows, inner: inner)
        let squares = squaredLengths(queries, dimension: dimension)
        let int16Rows = Int16Rows(queries, dimension: dimension, pairCount: pairs, squares: squares[...])
        var found = TopK(
            squares: squares, lengths: int16Rows.lengths,
            cosineErrors: int16Rows.errors.map { cosineError($0, bankError) }, dimension: dimension,
            neighbors: neighbors)
        let tiles = int16Rows.tiles
        let (bankSquares, bankLengths) = (self.squares, lengths)
        let tileRows = int16TileRows
        var products = [Int32](repeating: 0, count: tileRows * vectorWidth)
        var productSpan = products.mutableSpan
        let tileSpan = tiles.span
        for first in stride(from: 0, to: self.squares.count, by: vectorWidth) {
            let panel = panels.extracting(first * pairs..<(first + vectorWidth) * pairs)
            let (rowSquares, rowLengths) = (
                bankSquares.span.vector(at: first), bankLengths.span.vector(at: first)
            )
            for query in stride(from: 0, to: found.count, by: tileRows) {
                multiplyInt16Tile(
                    tileSpan.extracting(query * pairs..<(query + tileRows) * pairs), panel, pairs: pairs,
                    into: &productSpan)
                for place in 0..<min(tileRows, found.count - query) {
                    found.take(
                        productSpan.span.vector(at: place * vectorWidth), for: query + place, from: first,
                        squares: rowSquares, lengths: rowLengths, exact, &memory)
                }
            }
        }
        found.finish(into: &nearest, exact, &memory)
    }

    /// The squared distance of each query to each row, shape `[Q, count]`, with the bits of
    /// `fillSmallestDistances`.
    package func distances(of queries: Span<Float>, on pool: WorkerPool) -> [Float] {
        var result = [Float](repeating: 0, count: queries.count / dimension * count)
        guard count > 0 else { return result }
        var distances = result.mutableSpan
        pool.split(&distances, every: 16 * count) { group, part in
            let start = group * 16 * dimension
            let own = queries.extracting(start..<start + part.count / count * dimension)
            withSpans(rows) { fill(&part, of: own, $0) }
        }
        return result
    }

    /// Overwrites `distances` with those of some queries.
    private func fill(
        _ distances: inout MutableSpan<Float>, of queries: Span<Float>, _ rows: Span<Float>
    ) {
        let filled = filledRows(queries, dimension: dimension)
        let exact = RowDistances(queries: filled.span, rows: rows, inner: inner)
        // Each row is used for all queries while it is in the cache.
        for row in 0..<count {
            for query in 0..<distances.count / count { distances[query * count + row] = exact(query, row) }
        }
    }
}

/// The rows, each padded with zeros to whole vectors.
private func filledRows(_ rows: Span<Float>, dimension: Int) -> Buffer<Float> {
    let (count, inner) = (rows.count / dimension, paddedToVectors(dimension))
    var result = Buffer<Float>(zeros: count * inner)
    var filled = result.mutableSpan
    for row in 0..<count {
        for j in 0..<dimension { filled[row * inner + j] = rows[row * dimension + j] }
    }
    return result
}

/// Squared L2 norms of the rows, summed in double precision and rounded once.
private func squaredLengths(_ rows: Span<Float>, dimension: Int) -> [Float] {
    stride(from: 0, to: rows.count, by: dimension).map { start in
        var sum = 0.0
        for j in start..<start + dimension { sum += Double(rows[j]) * Double(rows[j]) }
        return Float(sum)
    }
}
