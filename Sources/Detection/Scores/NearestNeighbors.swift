internal import Cluster
internal import Kernels
public import Workers

/// `knn`: the negated squared distance to the k-th nearest training record, of features divided by their length.
///
/// Sun, Ming, Zhu, Li: "Out-of-distribution detection with deep nearest neighbors", ICML 2022, arXiv 2204.06507, section 3. Exact: all
/// records are looked at. Distances are `‖a‖² + ‖b‖² − 2ab` in single precision, so that of a record from itself may be
/// a little below 0. OpenOOD adds 1e-10 after the division where the length is meant.
public struct NearestNeighbors: ShardedScore {
    public let name = ScoreName.knn
    /// Which neighbour counts, from 1.
    public let neighbor: Int
    public let worldSize: Int
    private let bank: RecordBlocks
    /// Squared lengths of the bank's rows.
    private let squares: [Float]

    public var partialCount: Int { neighbor }

    public init(_ fit: ScoreFit, neighbor: Int = 50) throws {
        precondition(neighbor >= 1, "neighbour \(neighbor)")
        let count = try fit.training.totalCount(on: fit.communicator)
        guard neighbor <= count else {
            throw ScoreFitError(
                score: .knn,
                reason:
                    "neighbour \(neighbor) of \(count) training records, expected as many records at least")
        }
        let dimension = fit.head.dimension
        let rows = unitRows(fit.training.features, dimension: dimension)
        self.neighbor = neighbor
        worldSize = fit.communicator.worldSize
        bank = RecordBlocks(rows, dimension: dimension, laneSize: fit.training.laneSize)
        squares = squaredLengths(rows, dimension: dimension)
        useOneThreadPerMatrixProduct()
    }

    /// The squared distances of the nearest records, in any order; infinite where there are fewer.
    public func partials(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double] {
        let dimension = input.head.dimension
        let rows = unitRows(input.copyFeatures(), dimension: dimension)
        let lengths = squaredLengths(rows, dimension: dimension)
        let samples = RecordBlocks.groups(rows, dimension: dimension)
        var nearest = [Double](repeating: .infinity, count: input.count * neighbor)
        var span = nearest.mutableSpan
        let group = RecordBlocks.groupSize
        pool.split(&span, every: group * neighbor, scratch: bank.productCount) { index, part, products in
            let own = samples.span.extracting(index * group * dimension..<(index + 1) * group * dimension)
            let count = part.count / neighbor
            for (block, records) in bank.records.enumerated() {
                bank.fill(&products, samples: own, block: block)
                for sample in 0..<count {
                    let length = lengths[index * group + sample]
                    var heap = part.part(sample * neighbor..<(sample + 1) * neighbor)
                    for record in 0..<records.count {
                        let product = products[sample * bank.width + record]
                        let distance = Double(length + squares[records.first + record] - 2 * product)
                        if distance < heap[0] { replaceLargest(of: &heap, by: distance) }
                    }
                }
            }
            for sample in 0..<count where lengths[index * group + sample].isNaN {
                for place in 0..<neighbor { part[sample * neighbor + place] = .nan }
            }
        }
        return nearest
    }

    /// Puts a value into a heap in place of its largest, which stands first; a thousand neighbours would be slow to keep in order.
    private func replaceLargest(of heap: inout MutableSpan<Double>, by value: Double) {
        var place = 0
        while 2 * place + 1 < heap.count {
            var child = 2 * place + 1
            if child + 1 < heap.count && heap[child + 1] > heap[child] { child += 1 }
            guard heap[child] > value else { break }
            heap[place] = heap[child]
            place = child
        }
        heap[place] = value
    }

    public func confidence(_ partials: [ArraySlice<Double>]) -> Float {
        if partials.contains(where: { $0.first?.isNaN ?? false }) { return .nan }
        return Float(-partials.flatMap(\.self).sorted()[neighbor - 1])
    }
}

private func squaredLengths(_ rows: [Float], dimension: Int) -> [Float] {
    stride(from: 0, to: rows.count, by: dimension).map { start in
        var sum = 0.0
        for value in rows[start..<start + dimension] { sum += Double(value) * Double(value) }
        return Float(sum)
    }
}
