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
        let exact = ExactDistances(queries: filled.span, rows: rows.span, inner: inner)
        let squares = squaredLengths(queries, dimension: dimension)
        let coarse = CoarseRows(queries, dimension: dimension, pairCount: pairs, squares: squares[...])
        var found = NearestRows(
            squares: squares, errors: coarse.errors.map { cosineError($0, bankError) }, dimension: dimension,
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
        let exact = ExactDistances(queries: filled.span, rows: rows.span, inner: inner)
        // A row serves all queries while it is near.
        for row in 0..<count {
            for query in 0..<distances.count / count { distances[query * count + row] = exact(query, row) }
        }
    }
}

/// The rows that may be the nearest of some queries so far, with bounds of their squared distances.
///
/// They gather until there is no more room; then those go whose lower bound is above the k-th smallest upper one. The memory they are in
/// has the lower and the upper bounds and the rows' numbers, shape `[3, count, capacity]`, and behind them room to work in.
private struct NearestRows {
    /// Rows of a query that there is room for.
    private static func capacity(_ neighbors: Int) -> Int { neighbors + max(neighbors, 128) }

    /// Floats of memory.
    static func memory(queries: Int, neighbors: Int) -> Int { (3 * queries + 1) * capacity(neighbors) }

    private let neighbors: Int
    private let capacity: Int
    /// Squared lengths of the queries, and their roots.
    private let squares: [Float]
    private let lengths: [Float]
    /// How far the coarse rows' cosines may be off, one a query.
    private let cosineErrors: [Float]
    /// What roundings of distances may come to, of the squared lengths of both rows.
    private let slack: Float
    /// What a lower bound must be below to count, one a query.
    private var limits: [Float]
    private var counts: [Int]

    init(squares: [Float], errors: [Float], dimension: Int, neighbors: Int) {
        self.neighbors = neighbors
        capacity = Self.capacity(neighbors)
        self.squares = squares
        lengths = squares.map { $0.squareRoot() }
        cosineErrors = errors
        slack = Float(dimension / 32 + 32) * 0x1p-23
        // Of a query that is no number, or infinitely long, nothing is looked for.
        limits = squares.map { $0.isFinite ? .infinity : -.infinity }
        counts = [Int](repeating: 0, count: squares.count)
    }

    /// Queries.
    var count: Int { squares.count }

    // Where a query's lower bounds, upper bounds and rows begin.
    private func lower(_ query: Int) -> Int { query * capacity }
    private func upper(_ query: Int) -> Int { (count + query) * capacity }
    private func rows(_ query: Int) -> Int { (2 * count + query) * capacity }
    private var workspace: Int { 3 * count * capacity }

    /// Takes sixteen rows of the bank.
    ///
    /// - Parameters:
    ///   - products: `q·q′` of the coarse rows.
    ///   - first: The first row.
    @inline(__always)
    mutating func take(
        _ products: SixteenInts, for query: Int, from first: Int, squares: Vector, lengths: Vector,
        _ exact: borrowing ExactDistances, _ memory: inout MutableSpan<Float>
    ) {
        let both = squares + self.squares[query]
        let along = lengths * (2 * self.lengths[query])
        let cosines = floatsOf(products) * (1 / (CoarseRows.scale * CoarseRows.scale))
        let low = both * (1 - slack) - along * (cosines + cosineErrors[query])
        var candidates = bitMask(low .< limits[query])
        guard candidates != 0 else { return }
        let high = both * (1 + slack) - along * (cosines - cosineErrors[query])
        memory.store(low, at: workspace)
        memory.store(high, at: workspace + vectorWidth)
        var end = counts[query]
        while candidates != 0 {
            let place = candidates.trailingZeroBitCount
            candidates &= candidates - 1
            memory.put(memory.element(at: workspace + place), at: lower(query) + end)
            memory.put(memory.element(at: workspace + vectorWidth + place), at: upper(query) + end)
            memory.put(Float(bitPattern: UInt32(first + place)), at: rows(query) + end)
            end += 1
            guard end == capacity else { continue }
            // The workspace is needed for this; what is left of the sixteen comes back to it.
            counts[query] = end
            makeRoom(query, exact, &memory)
            end = counts[query]
            memory.store(low, at: workspace)
            memory.store(high, at: workspace + vectorWidth)
        }
        counts[query] = end
    }

    private func row(_ place: Int, of query: Int, _ memory: borrowing MutableSpan<Float>) -> Int {
        Int(memory.element(at: rows(query) + place).bitPattern)
    }

    /// Lets go of the rows that are not among the nearest.
    private mutating func makeRoom(
        _ query: Int, _ exact: borrowing ExactDistances, _ memory: inout MutableSpan<Float>
    ) {
        keepPossible(query, &memory)
        guard counts[query] > neighbors + (capacity - neighbors) / 2 else { return }
        // Too many are too near to each other for the bounds to tell them apart.
        for place in 0..<counts[query] {
            let distance = exact(query, row(place, of: query, memory))
            memory.put(distance, at: lower(query) + place)
            memory.put(distance, at: upper(query) + place)
        }
        keepPossible(query, &memory)
        // Of rows at the limit itself as many as are needed.
        let limit = limits[query]
        var atLimit = neighbors
        for place in 0..<counts[query] where memory.element(at: lower(query) + place) < limit {
            atLimit -= 1
        }
        keep(query, &memory) { distance in
            guard distance == limit else { return true }
            atLimit -= 1
            return atLimit >= 0
        }
    }

    /// Sets the limit by the upper bounds, and lets go of what is above it.
    private mutating func keepPossible(_ query: Int, _ memory: inout MutableSpan<Float>) {
        let count = counts[query]
        for place in 0..<count {
            memory.put(memory.element(at: upper(query) + place), at: workspace + place)
        }
        var bounds = memory.part(workspace..<workspace + count)
        gatherSmallest(neighbors, of: &bounds)
        let limit = largest(of: bounds.span.extracting(0..<neighbors))
        limits[query] = limit
        keep(query, &memory) { $0 <= limit }
    }

    /// Lets go of the rows whose lower bound does not belong, the others' order unchanged.
    @inline(__always)
    private mutating func keep(
        _ query: Int, _ memory: inout MutableSpan<Float>, where belongs: (_ lower: Float) -> Bool
    ) {
        var kept = 0
        for place in 0..<counts[query] {
            let bound = memory.element(at: lower(query) + place)
            memory.put(bound, at: lower(query) + kept)
            memory.put(memory.element(at: upper(query) + place), at: upper(query) + kept)
            memory.put(memory.element(at: rows(query) + place), at: rows(query) + kept)
            kept += belongs(bound) ? 1 : 0
        }
        counts[query] = kept
    }

    /// Overwrites `nearest`, shape `[count, neighbors]`, with the distances of the nearest rows.
    mutating func finish(
        into nearest: inout MutableSpan<Float>, _ exact: borrowing ExactDistances,
        _ memory: inout MutableSpan<Float>
    ) {
        for query in 0..<count where counts[query] > neighbors { keepPossible(query, &memory) }
        takeExactDistances(exact, &memory)
        for query in 0..<count {
            if counts[query] > neighbors {
                var distances = memory.part(lower(query)..<lower(query) + counts[query])
                gatherSmallest(neighbors, of: &distances)
            }
            let missing: Float = squares[query].isNaN ? .nan : .infinity
            for place in 0..<neighbors {
                nearest[query * neighbors + place] =
                    place < counts[query] ? memory.element(at: lower(query) + place) : missing
            }
        }
    }

    /// Overwrites the lower bounds. Rows rise in each query's list; those of a block stay in the cache for all queries.
    private func takeExactDistances(
        _ exact: borrowing ExactDistances, _ memory: inout MutableSpan<Float>
    ) {
        var places = [Int](repeating: 0, count: count)
        for block in stride(from: 0, to: exact.rowCount, by: 64) {
            for query in 0..<count {
                var place = places[query]
                while place < counts[query] {
                    let row = row(place, of: query, memory)
                    guard row < block + 64 else { break }
                    memory.put(exact(query, row), at: lower(query) + place)
                    place += 1
                }
                places[query] = place
            }
        }
    }
}

/// Squared distances of queries and rows of a bank, by their numbers.
private struct ExactDistances: ~Escapable {
    /// Shape `[Q, inner]`.
    private let queries: Span<Float>
    /// Shape `[N, inner]`.
    private let rows: Span<Float>
    private let inner: Int

    @_lifetime(copy queries, copy rows)
    init(queries: Span<Float>, rows: Span<Float>, inner: Int) {
        self.queries = queries
        self.rows = rows
        self.inner = inner
    }

    var rowCount: Int { rows.count / inner }

    @inline(__always)
    func callAsFunction(_ query: Int, _ row: Int) -> Float {
        squaredDistance(
            queries.extracting(query * inner..<(query + 1) * inner),
            rows.extracting(row * inner..<(row + 1) * inner))
    }
}

/// `Σ (aⱼ − bⱼ)²` in four chains of vectors.
///
/// - Precondition: As many elements each, a multiple of 16.
@inline(__always)
private func squaredDistance(_ left: Span<Float>, _ right: Span<Float>) -> Float {
    var (first, second, third, fourth) = (Vector(), Vector(), Vector(), Vector())
    let count = left.count
    var j = 0
    while j + 64 <= count {
        let (a, b) = (
            left.vector(at: j) - right.vector(at: j), left.vector(at: j + 16) - right.vector(at: j + 16)
        )
        let (c, d) = (
            left.vector(at: j + 32) - right.vector(at: j + 32),
            left.vector(at: j + 48) - right.vector(at: j + 48)
        )
        first = first.addingProduct(a, a)
        second = second.addingProduct(b, b)
        third = third.addingProduct(c, c)
        fourth = fourth.addingProduct(d, d)
        j += 64
    }
    while j < count {
        let a = left.vector(at: j) - right.vector(at: j)
        first = first.addingProduct(a, a)
        j += 16
    }
    let sums = (first + second) + (third + fourth)
    let eight = sums.lowHalf + sums.highHalf
    let four = eight.lowHalf + eight.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
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

/// Moves the `count` smallest values to the front, in any order.
///
/// Selection by partition, with the median of three as pivot and without branches on values, which no processor could foresee.
///
/// - Precondition: There are as many values, and none is NaN.
public func gatherSmallest(_ count: Int, of values: inout MutableSpan<Float>) {
    precondition((1...max(values.count, 1)).contains(count), "the smallest \(count) of \(values.count)")
    guard count < values.count else { return }
    var (low, high) = (0, values.count)
    while high - low > 1 {
        let (a, b, c) = (values[low], values[(low + high) / 2], values[high - 1])
        let pivot = max(min(a, b), min(max(a, b), c))
        let middle = gather(low..<high, of: &values) { $0 < pivot }
        if count <= middle {
            high = middle
            continue
        }
        // The pivot is among these, so they grow fewer each time.
        low = gather(middle..<high, of: &values) { $0 == pivot }
        if count <= low { return }
    }
}

/// Moves the values of a range that belong to its front, and returns where they end.
@inline(__always)
private func gather(
    _ range: Range<Int>, of values: inout MutableSpan<Float>, where belongs: (Float) -> Bool
) -> Int {
    var end = range.lowerBound
    for place in range {
        let value = values.element(at: place)
        values.put(values.element(at: end), at: place)
        values.put(value, at: end)
        end += belongs(value) ? 1 : 0
    }
    return end
}

private func largest(of values: Span<Float>) -> Float {
    var largest = values[0]
    for i in values.indices { largest = max(largest, values[i]) }
    return largest
}

/// Summed in double precision, rounded once.
private func squaredLengths(_ rows: Span<Float>, dimension: Int) -> [Float] {
    stride(from: 0, to: rows.count, by: dimension).map { start in
        var sum = 0.0
        for j in start..<start + dimension { sum += Double(rows[j]) * Double(rows[j]) }
        return Float(sum)
    }
}
