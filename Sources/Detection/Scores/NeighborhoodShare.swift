internal import Cluster
internal import Kernels
public import Workers

/// `cfood`: the negated share of reference records that a neighbourhood must hold before an image lies in the neighbourhoods of one
/// hundredth of them.
///
/// OpenOOD v1.5's `cfood`. The references are a tenth of the training records, chosen by their places, where OpenOOD draws; features are
/// divided by their length. A reference does not count in its own neighbourhood. Shares from 0.001 to 0.99 are tried, 230 at most, so many images have the same confidence.
public struct NeighborhoodShare: ShardedScore {
    /// Share of the references in whose neighbourhoods an image must lie.
    private static let leastShare = 0.01

    public let name = ScoreName.cfood
    public let worldSize: Int
    /// The rank's references.
    private let bank: NeighborBank
    /// Squared radii of the neighbourhoods of each of the rank's references, rising; shape `[bank.count, shares.count]`.
    private let radii: [Float]
    /// What a neighbourhood holds of all references.
    private let shares: [Double]
    /// References of all ranks.
    private let referenceCount: Int

    public var partialCount: Int { shares.count }

    /// Collective. Holds the references of all ranks while it is made.
    public init(_ fit: ScoreFit) throws {
        let dimension = fit.head.dimension
        let first = try fit.firstTrainingPlace()
        let units = unitRows(fit.training.features, dimension: dimension)
        let own = (0..<fit.training.count).filter { isInTenth(first + $0) }.flatMap {
            units[$0 * dimension..<($0 + 1) * dimension]
        }
        let all = try fit.communicator.allGather(own.span)
        let count = all.count / dimension
        guard count >= 2 else {
            throw ScoreFitError(
                score: .cfood,
                reason: """
                    \(count) of the training records are references (about one in ten), expected two at least; use a larger \
                    training set
                    """)
        }
        let grid =
            spaced(0.001, 0.1, 100) + spaced(0.105, 0.5, 81) + spaced(0.51, 0.99, 49)
        var places: [Int] = []
        var shares: [Double] = []
        for share in grid {
            let place = Int(share * Double(count) - 1)
            guard place > places.last ?? -1 else { continue }
            places.append(place)
            shares.append(share)
        }
        let whole = NeighborBank(all.span, dimension: dimension)
        var radii: [Float] = []
        for start in stride(from: 0, to: own.count, by: 256 * dimension) {
            let rows = Array(own[start..<min(start + 256 * dimension, own.count)])
            let distances = whole.distances(of: rows.span, on: WorkerPool(threads: 1))
            for row in stride(from: 0, to: distances.count, by: count) {
                let sorted = distances[row..<row + count].sorted()
                // Past the reference itself, which is the nearest.
                radii += places.map { sorted[$0 + 1] }
            }
        }
        worldSize = fit.communicator.worldSize
        bank = NeighborBank(own.span, dimension: dimension)
        (self.radii, self.shares, referenceCount) = (radii, shares, count)
    }

    /// For each share how many of the rank's references have the sample in a neighbourhood of that share and in no smaller one.
    public func partials(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double] {
        let rows = unitRows(input.copyFeatures(), dimension: input.head.dimension)
        let distances = bank.distances(of: rows.span, on: pool)
        var counts = [Double](repeating: 0, count: input.count * shares.count)
        for sample in 0..<input.count {
            for reference in 0..<bank.count {
                let distance = distances[sample * bank.count + reference]
                let own = radii[reference * shares.count..<(reference + 1) * shares.count]
                if distance.isNaN {
                    counts[sample * shares.count] = .nan
                } else if let index = own.firstPlace(where: { $0 >= distance }) {
                    counts[sample * shares.count + index] += 1
                }
            }
        }
        return counts
    }

    public func confidence(_ partials: [ArraySlice<Double>]) -> Double {
        var count = 0.0
        for index in shares.indices {
            for part in partials { count += part[part.startIndex + index] }
            if count.isNaN { return .nan }
            if count / Double(referenceCount) >= Self.leastShare { return -shares[index] }
        }
        return -1
    }
}

extension ArraySlice<Float> {
    /// How many elements stand before the first for which `belongs` is true, of elements for which it becomes true and stays so.
    fileprivate func firstPlace(where belongs: (Float) -> Bool) -> Int? {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low < endIndex ? low - startIndex : nil
    }
}

/// `count` numbers at even distances, both ends among them.
private func spaced(_ first: Double, _ last: Double, _ count: Int) -> [Double] {
    (0..<count).map { first + Double($0) * ((last - first) / Double(count - 1)) }
}
