internal import CProcessor
public import Workers

/// Rows that many queries are compared with.
///
/// A search goes through coarse rows of 16 bits, whose products bound every distance from both sides; rows that the bounds do not turn away,
/// hardly more than are asked for, have their distances taken in single precision. So nothing is lost, and a distance is one chain of operations over the
/// two rows alone: banks can be split in any way.
///
/// Takes 6 bytes for each element of the rows, filled up to 16 elements and, where they are coarse, 16 rows. The plain twin is
/// `Tests/TestSupport/PlainNeighbors.swift`.
public final class NeighborBank: Sendable {
    /// Queries that one worker looks up together: 344 kB of coarse rows of 512 elements, which the second cache keeps while the bank
    /// streams by.
    private static let groupSize = 336

    /// Rows.
    public let count: Int
    /// Elements of a row.
    public let dimension: Int
    /// Shape `[count, inner]`; `inner` is `dimension` filled up to whole vectors.
    private let rows: Buffer<Float>
    /// The coarse rows, shape `[⌈count / 16⌉, inner / 2, 16]`.
    private let panels: Buffer<Int32>
    /// The rows' lengths, 0 for those that are there to fill up.
    private let lengths: [Float]
    /// Their squares, infinite for those that are there to fill up.
    private let squares: [Float]
    /// The largest of `CoarseRows.errors`.
    private let bankError: Float

    private var inner: Int { paddedToVectors(dimension) }

    /// - Parameter rows: Shape `[count, dimension]`.
    public init(_ rows: Span<Float>, dimension: Int) {
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
            let coarse = CoarseRows(
                rows.extracting(some.lowerBound * dimension..<some.upperBound * dimension),
                dimension: dimension, pairCount: pairs, squares: squares[some])
            for row in 0..<some.count {
                for pair in 0..<pairs {
                    panelSpan[first * pairs + pair * vectorWidth + row] = coarse.pairs[row * pairs + pair]
                }
            }
            lengths += coarse.lengths
            bankError = coarse.errors.reduce(bankError, max)
        }
        self.panels = panels
        self.bankError = bankError
        self.lengths = lengths + [Float](repeating: 0, count: filled - count)
        self.squares = squares + [Float](repeating: .infinity, count: filled - count)
    }

    /// Overwrites `nearest` with the smallest squared distances of each query, in any order; infinite where the bank has fewer rows.
    ///
    /// `Σ (aⱼ − bⱼ)²` in single precision. A query with a NaN has NaN distances, one whose squared length is infinite infinite ones.
    ///
    /// - Parameters:
    ///   - queries: Shape `[Q, dimension]`.
    ///   - neighbors: How many distances a query gets, `k`.
    ///   - nearest: Shape `[Q, k]`.
    public func fillSmallestDistances(
        of queries: Span<Float>, neighbors: Int, into nearest: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        precondition(
            neighbors >= 1 && queries.count / dimension * neighbors == nearest.count,
            "\(nearest.count) distances for \(queries.count / dimension) queries and \(neighbors) neighbours")
        pool.split(
            &nearest, every: Self.groupSize * neighbors,
            scratch: NearestRows.memory(queries: Self.groupSize, neighbors: neighbors)
        ) { group, part, memory in
            let first = group * Self.groupSize * dimension
            let own = queries.extracting(first..<first + part.count / neighbors * dimension)
            search(own, rows, panels, neighbors: neighbors, into: &part, memory: &memory)
        }
    }

    /// The same of one group.
    private func search(
        _ queries: Span<Float>, _ rows: borrowing Buffer<Float>, _ panels: borrowing Buffer<Int32>,
        neighbors: Int, into nearest: inout MutableSpan<Float>, memory: inout MutableSpan<Float>
    ) {
        let pairs = inner / 2
        let filled = filledRows(queries, dimension: dimension)
        let exact = RowDistances(queries: filled.span, rows: rows.span, inner: inner)
        let squares = squaredLengths(queries, dimension: dimension)
        let coarse = CoarseRows(queries, dimension: dimension, pairCount: pairs, squares: squares[...])
        var found = NearestRows(
            squares: squares, lengths: coarse.lengths,
            cosineErrors: coarse.errors.map { cosineError($0, bankError) }, dimension: dimension,
            neighbors: neighbors)
        let tiles = coarse.tiles
        let (bankSquares, bankLengths) = (self.squares, lengths)
        let tileRows = coarseTileRows
        var products = [Int32](repeating: 0, count: tileRows * vectorWidth)
        var productSpan = products.mutableSpan
        let (tileSpan, panels) = (tiles.span, panels.span)
        for first in stride(from: 0, to: self.squares.count, by: vectorWidth) {
            let panel = panels.extracting(first * pairs..<(first + vectorWidth) * pairs)
            let (rowSquares, rowLengths) = (
                bankSquares.span.vector(at: first), bankLengths.span.vector(at: first)
            )
            for query in stride(from: 0, to: found.count, by: tileRows) {
                multiplyCoarseTile(
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

    /// The squared distance of each query to each row, shape `[Q, count]`; as `fillSmallestDistances` has them.
    public func distances(of queries: Span<Float>, on pool: WorkerPool) -> [Float] {
        var result = [Float](repeating: 0, count: queries.count / dimension * count)
        guard count > 0 else { return result }
        var distances = result.mutableSpan
        pool.split(&distances, every: 16 * count) { group, part in
            let start = group * 16 * dimension
            let own = queries.extracting(start..<start + part.count / count * dimension)
            fill(&part, of: own, rows)
        }
        return result
    }

    /// The same of some queries.
    private func fill(
        _ distances: inout MutableSpan<Float>, of queries: Span<Float>, _ rows: borrowing Buffer<Float>
    ) {
        let filled = filledRows(queries, dimension: dimension)
        let exact = RowDistances(queries: filled.span, rows: rows.span, inner: inner)
        // A row serves all queries while it is near.
        for row in 0..<count {
            for query in 0..<distances.count / count { distances[query * count + row] = exact(query, row) }
        }
    }
}

/// Rows with zeros behind their elements, up to whole vectors.
private func filledRows(_ rows: Span<Float>, dimension: Int) -> Buffer<Float> {
    let (count, inner) = (rows.count / dimension, paddedToVectors(dimension))
    var result = Buffer<Float>(zeros: count * inner)
    var filled = result.mutableSpan
    for row in 0..<count {
        for j in 0..<dimension { filled[row * inner + j] = rows[row * dimension + j] }
    }
    return result
}

/// Summed in double precision, rounded once.
private func squaredLengths(_ rows: Span<Float>, dimension: Int) -> [Float] {
    stride(from: 0, to: rows.count, by: dimension).map { start in
        var sum = 0.0
        for j in start..<start + dimension { sum += Double(rows[j]) * Double(rows[j]) }
        return Float(sum)
    }
}
