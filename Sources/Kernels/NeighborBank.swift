public import Workers

/// Rows that many queries are compared with, packed once for register tiles.
///
/// A tile's products become distances while they are in the nearest cache, and sixteen at a time are turned away by the farthest distance
/// that still counts. A distance is one chain of operations over the two rows alone, so banks can be split in any way.
///
/// Takes as many bytes as the rows, filled up to 32 rows and to 16 elements each. The plain twin is
/// `Tests/TestSupport/PlainNeighbors.swift`.
public struct NeighborBank: Sendable {
    /// Queries that one worker looks up together: 229 kB of tiles for 512 elements, which the second cache keeps while the bank
    /// streams by.
    private static let groupSize = 112
    private static let panelRows = 2 * vectorWidth

    /// Rows.
    public let count: Int
    /// Elements of a row.
    public let dimension: Int
    /// Shape `[⌈count / 16⌉, inner, 16]`, an even number of panels; `inner` is `dimension` filled up.
    private let panels: [Float]
    /// Squared lengths, infinite for rows that are there to fill up.
    private let squares: [Float]

    /// - Parameter rows: Shape `[count, dimension]`.
    public init(_ rows: Span<Float>, dimension: Int) {
        precondition(
            dimension >= 1 && rows.count.isMultiple(of: dimension),
            "\(rows.count) elements, no multiple of \(dimension)")
        count = rows.count / dimension
        self.dimension = dimension
        let inner = paddedToVectors(dimension)
        let filled = (count + Self.panelRows - 1) / Self.panelRows * Self.panelRows
        var panels = [Float](repeating: 0, count: filled * inner)
        var packed = panels.mutableSpan
        for row in 0..<count {
            let start = row / vectorWidth * vectorWidth * inner + row % vectorWidth
            for j in 0..<dimension { packed[start + j * vectorWidth] = rows[row * dimension + j] }
        }
        self.panels = panels
        squares =
            squaredLengths(rows, dimension: dimension)
            + [Float](repeating: .infinity, count: filled - count)
    }

    /// Overwrites `nearest` with the smallest squared distances of each query, in any order; infinite where the bank has fewer rows.
    ///
    /// `‖a‖² + ‖b‖² − 2 a·b` in single precision, the squares rounded once. A query with a NaN has NaN distances.
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
        let lengths = squaredLengths(queries, dimension: dimension)
        let inner = paddedToVectors(dimension)
        let (panelRows, capacity) = (Self.panelRows, Nearest.capacity(neighbors))
        let panelSize = panelRows * inner
        pool.split(
            &nearest, every: Self.groupSize * neighbors, scratch: Self.groupSize * (panelRows + capacity)
        ) { group, part, scratch in
            let first = group * Self.groupSize
            let count = part.count / neighbors
            var own = Nearest(lengths: lengths[first..<first + count], neighbors: neighbors)
            let tiles = tiles(of: queries, first: first, count: count)
            for panel in 0..<squares.count / panelRows {
                var products = scratch.part(0..<count * panelRows)
                multiplyTiles(
                    tiles.span, panels.span.extracting(panel * panelSize..<(panel + 1) * panelSize),
                    panelStride: vectorWidth * inner, rows: count, columns: panelRows, inner: inner,
                    into: &products, stride: panelRows)
                own.take(&scratch, squares: squares.span, at: panel * panelRows)
            }
            own.finish(&scratch, into: &part)
        }
    }

    /// The squared distance of each query to each row, shape `[Q, count]`; as `fillSmallestDistances` has them.
    public func distances(of queries: Span<Float>, on pool: WorkerPool) -> [Float] {
        let queryCount = queries.count / dimension
        var result = [Float](repeating: 0, count: queryCount * count)
        guard count > 0 else { return result }
        let lengths = squaredLengths(queries, dimension: dimension)
        let (inner, panelRows) = (paddedToVectors(dimension), Self.panelRows)
        var distances = result.mutableSpan
        pool.split(
            &distances, every: Self.groupSize * count, scratch: Self.groupSize * panelRows
        ) { group, part, products in
            let first = group * Self.groupSize
            let own = part.count / count
            let tiles = tiles(of: queries, first: first, count: own)
            for row in stride(from: 0, to: count, by: panelRows) {
                multiplyTiles(
                    tiles.span, panels.span.extracting(row * inner..<(row + panelRows) * inner),
                    panelStride: vectorWidth * inner, rows: own, columns: panelRows, inner: inner,
                    into: &products, stride: panelRows)
                for query in 0..<own {
                    for column in 0..<min(panelRows, count - row) {
                        let product = products[query * panelRows + column]
                        part[query * count + row + column] =
                            (lengths[first + query] + squares[row + column]) - (product + product)
                    }
                }
            }
        }
        return result
    }

    /// Queries as row tiles, the last one filled up with zeros.
    private func tiles(of queries: Span<Float>, first: Int, count: Int) -> [Float] {
        let inner = paddedToVectors(dimension)
        var tiles = [Float](repeating: 0, count: rowTileCount(rows: count, inner: inner))
        for row in 0..<count {
            let start = row / tileRows * tileRows * inner + row % tileRows * vectorWidth
            let query = queries.extracting((first + row) * dimension..<(first + row + 1) * dimension)
            for j in query.indices {
                tiles[start + j / vectorWidth * vectorWidth * tileRows + j % vectorWidth] = query[j]
            }
        }
        return tiles
    }
}

/// The nearest distances of some queries so far: those below a limit gather until there is no more room, then the largest half goes.
///
/// The memory it works in begins with products, shape `[count, 32]`; behind them are what has gathered, shape `[count, capacity]`.
private struct Nearest {
    /// Distances of a query that there is room for.
    static func capacity(_ neighbors: Int) -> Int { 2 * neighbors + 64 }

    private let lengths: [Float]
    private let neighbors: Int
    private let capacity: Int
    /// What a distance must be below to count, one a query.
    private var limits: [Float]
    private var counts: [Int]

    init(lengths: ArraySlice<Float>, neighbors: Int) {
        self.lengths = Array(lengths)
        self.neighbors = neighbors
        capacity = Self.capacity(neighbors)
        limits = [Float](repeating: .infinity, count: lengths.count)
        counts = [Int](repeating: 0, count: lengths.count)
    }

    /// Queries.
    var count: Int { lengths.count }

    private func place(of query: Int) -> Int { 2 * count * vectorWidth + query * capacity }

    /// Takes what products say.
    ///
    /// - Parameters:
    ///   - squares: Squared lengths of all rows of the bank.
    ///   - row: The bank's row that the first column is of.
    mutating func take(_ memory: inout MutableSpan<Float>, squares: Span<Float>, at row: Int) {
        let (firstSquares, secondSquares) = (
            squares.vector(at: row), squares.vector(at: row + vectorWidth)
        )
        for query in 0..<count {
            let product = memory.vector(at: 2 * query * vectorWidth)
            let other = memory.vector(at: (2 * query + 1) * vectorWidth)
            let length = Vector(repeating: lengths[query])
            // Twice a float is a float, so this rounds as often as the formula.
            let first = (length + firstSquares) - (product + product)
            let second = (length + secondSquares) - (other + other)
            let limit = Vector(repeating: limits[query])
            guard any((first .< limit) .| (second .< limit)) else { continue }
            add(first, query, &memory)
            add(second, query, &memory)
        }
    }

    private mutating func add(_ distances: Vector, _ query: Int, _ memory: inout MutableSpan<Float>) {
        let start = place(of: query)
        for lane in 0..<vectorWidth where distances[lane] < limits[query] {
            memory[start + counts[query]] = distances[lane]
            counts[query] += 1
            guard counts[query] == capacity else { continue }
            var own = memory.part(start..<start + capacity)
            gatherSmallest(neighbors, of: &own)
            limits[query] = largest(of: own.span.extracting(0..<neighbors))
            counts[query] = neighbors
        }
    }

    /// Overwrites `nearest`, shape `[count, neighbors]`.
    func finish(_ memory: inout MutableSpan<Float>, into nearest: inout MutableSpan<Float>) {
        for query in 0..<count {
            let start = query * neighbors
            guard !lengths[query].isNaN else {
                for place in start..<start + neighbors { nearest[place] = .nan }
                continue
            }
            var own = memory.part(place(of: query)..<place(of: query) + counts[query])
            if counts[query] > neighbors { gatherSmallest(neighbors, of: &own) }
            for place in 0..<neighbors {
                nearest[start + place] = place < counts[query] ? own[place] : .infinity
            }
        }
    }
}

/// Moves the `count` smallest values to the front, in any order.
///
/// Hoare's selection with the median of three as pivot.
///
/// - Precondition: There are as many values, and none is NaN.
public func gatherSmallest(_ count: Int, of values: inout MutableSpan<Float>) {
    precondition((1...max(values.count, 1)).contains(count), "the smallest \(count) of \(values.count)")
    var (low, high) = (0, values.count - 1)
    while low < high {
        let (a, b, c) = (values[low], values[(low + high) / 2], values[high])
        let pivot = max(min(a, b), min(max(a, b), c))
        var (i, j) = (low, high)
        while i <= j {
            while values[i] < pivot { i += 1 }
            while values[j] > pivot { j -= 1 }
            if i <= j {
                values.swapAt(i, j)
                i += 1
                j -= 1
            }
        }
        if count - 1 <= j {
            high = j
        } else if count - 1 >= i {
            low = i
        } else {
            return
        }
    }
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
