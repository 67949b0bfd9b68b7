internal import CProcessor
internal import Memory

/// Candidates for the k nearest rows of some queries, with bounds of their squared distances.
///
/// Candidates accumulate until the capacity is reached; then those are dropped whose lower bound is
/// above the k-th smallest upper bound. The memory that they are in holds the lower bounds, the
/// upper bounds and the rows' numbers, shape `[3, count, capacity]`, followed by a workspace.
struct TopK {
    /// Largest number of candidates per query.
    private static func capacity(_ neighbors: Int) -> Int { neighbors + max(neighbors, 128) }

    /// Size of the memory in floats.
    static func memory(queries: Int, neighbors: Int) -> Int { (3 * queries + 1) * capacity(neighbors) }

    /// Rows of the index whose distances are computed together: 128 kB of 512 elements.
    private static let blockSize = 64

    private let neighbors: Int
    private let capacity: Int
    /// Squared norms of the queries, and `Int16Rows.lengths`.
    private let squares: [Float]
    private let lengths: [Float]
    /// Error bounds of the int16 rows' cosines, one per query.
    private let cosineErrors: [Float]
    /// Bound on the rounding errors of distances, relative to the sum of both rows' squared norms.
    private let slack: Float
    /// The bound that a new candidate's lower bound must be below, one per query.
    private var limits: [Float]
    private var counts: [Int]

    init(squares: [Float], lengths: [Float], cosineErrors: [Float], dimension: Int, neighbors: Int) {
        self.neighbors = neighbors
        capacity = Self.capacity(neighbors)
        self.squares = squares
        self.lengths = lengths
        self.cosineErrors = cosineErrors
        slack = Float(dimension / 32 + 32) * 0x1p-23
        // A query with a NaN or infinite norm matches nothing.
        limits = squares.map { $0.isFinite ? .infinity : -.infinity }
        counts = [Int](repeating: 0, count: squares.count)
    }

    /// Number of queries.
    var count: Int { squares.count }

    // Start indices of a query's lower bounds, upper bounds and rows.
    private func lower(_ query: Int) -> Int { query * capacity }
    private func upper(_ query: Int) -> Int { (count + query) * capacity }
    private func rows(_ query: Int) -> Int { (2 * count + query) * capacity }
    private var workspace: Int { 3 * count * capacity }

    /// Adds the candidates among sixteen rows of the index.
    ///
    /// - Parameters:
    ///   - products: `q·q′` of the int16 rows.
    ///   - first: The first row.
    @inline(__always)
    mutating func take(
        _ products: SixteenInts, for query: Int, from first: Int, squares: Vector, lengths: Vector,
        _ distances: borrowing RowDistances, _ memory: inout MutableSpan<Float>
    ) {
        let both = squares + self.squares[query]
        let along = lengths * (2 * self.lengths[query])
        let cosines = floatsOf(products) * (1 / (Int16Rows.scale * Int16Rows.scale))
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
            // `makeRoom` overwrites the workspace, so the bounds of the sixteen rows are stored
            // again.
            counts[query] = end
            makeRoom(query, distances, &memory)
            end = counts[query]
            memory.store(low, at: workspace)
            memory.store(high, at: workspace + vectorWidth)
        }
        counts[query] = end
    }

    private func row(_ place: Int, of query: Int, _ memory: borrowing MutableSpan<Float>) -> Int {
        Int(memory.element(at: rows(query) + place).bitPattern)
    }

    /// Drops candidates that are not among the nearest.
    private mutating func makeRoom(
        _ query: Int, _ distances: borrowing RowDistances, _ memory: inout MutableSpan<Float>
    ) {
        keepPossible(query, &memory)
        guard counts[query] > neighbors + (capacity - neighbors) / 2 else { return }
        // Too many candidates are too close for the bounds to separate them, so distances decide.
        for place in 0..<counts[query] {
            let distance = distances(query, row(place, of: query, memory))
            memory.put(distance, at: lower(query) + place)
            memory.put(distance, at: upper(query) + place)
        }
        keepPossible(query, &memory)
        // Keeps only as many candidates at the limit itself as are needed.
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

    /// Sets the limit to the k-th smallest upper bound, and drops candidates whose lower bound is
    /// above it.
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

    /// Drops candidates whose lower bound fails `belongs`; keeps the order of the others.
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
        into nearest: inout MutableSpan<Float>, _ distances: borrowing RowDistances,
        _ memory: inout MutableSpan<Float>
    ) {
        for query in 0..<count where counts[query] > neighbors { keepPossible(query, &memory) }
        takeDistances(distances, &memory)
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

    /// Overwrites the lower bounds with distances. Row numbers ascend in each query's list, so the
    /// rows of a block stay in the cache for all queries.
    private func takeDistances(
        _ distances: borrowing RowDistances, _ memory: inout MutableSpan<Float>
    ) {
        var places = [Int](repeating: 0, count: count)
        for block in stride(from: 0, to: distances.rowCount, by: Self.blockSize) {
            for query in 0..<count {
                var place = places[query]
                while place < counts[query] {
                    let row = row(place, of: query, memory)
                    guard row < block + Self.blockSize else { break }
                    memory.put(distances(query, row), at: lower(query) + place)
                    place += 1
                }
                places[query] = place
            }
        }
    }
}

private func largest(of values: Span<Float>) -> Float {
    var largest = values[0]
    for i in values.indices { largest = max(largest, values[i]) }
    return largest
}
