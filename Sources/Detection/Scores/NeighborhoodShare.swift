internal import Cluster
package import Inference
internal import Kernels
package import Workers

extension ScoreDefinition {
    /// Negated size of the neighbourhoods that contain the image.
    public static let cfood = ScoreDefinition(
        "cfood",
        "−(fraction of a tenth of the set that a neighbourhood holds before the image lies in those of 1 % of the tenth)",
        citation: "OpenOOD v1.5, arXiv 2306.09301", fittedOn: [.trainingFeatures, .featuresAlone],
        traits: ScoreTraits(choices: { _ in "neighbours without the reference" })
    ) { try NeighborhoodShare($1) }
}

/// `cfood`: the negated size of the smallest neighbourhoods, as a share of the reference records,
/// for which an image lies in the neighbourhoods of one hundredth of the references.
///
/// OpenOOD v1.5's `cfood`. The references are a tenth of the training records, chosen by their
/// indices; OpenOOD draws them at random. Features are divided by their norm. A reference does not
/// count as its own neighbour. Shares from 0.001 to 0.99 are tried, 230 at most, so many images
/// have the same confidence.
package struct NeighborhoodShare: ShardedScore {
    /// The share of references whose neighbourhoods must contain an image.
    private static let leastShare = 0.01

    package let worldSize: Int
    /// The rank's references.
    private let l2Index: FlatL2Index
    /// Squared radii of the neighbourhoods of each of the rank's references, ascending; shape
    /// `[l2Index.count, shares.count]`.
    private let radii: [Float]
    /// The sizes of the neighbourhoods, as shares of all references, ascending.
    private let shares: [Double]
    /// The number of references of all ranks.
    private let referenceCount: Int

    package var partialCount: Int { shares.count }

    /// Collective. The initialiser temporarily holds the references of all ranks.
    package init(_ fit: FitContext) throws {
        let dimension = fit.head.dimension
        let first = try fit.firstTrainingPlace()
        let units = unitRows(fit.training.features, dimension: dimension)
        let own = (0..<fit.training.count).filter { isInTenth(first + $0) }.flatMap {
            units[$0 * dimension..<($0 + 1) * dimension]
        }
        let all = try fit.communicator.allGather(own.span)
        let count = all.count / dimension
        guard count >= 2 else {
            throw FitError(
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
        let whole = FlatL2Index(all.span, dimension: dimension)
        var radii: [Float] = []
        for start in stride(from: 0, to: own.count, by: 256 * dimension) {
            let rows = Array(own[start..<min(start + 256 * dimension, own.count)])
            let distances = whole.distances(of: rows.span, on: WorkerPool(threads: 1))
            for row in stride(from: 0, to: distances.count, by: count) {
                let sorted = distances[row..<row + count].sorted()
                // Skips the reference itself, which is its own nearest neighbour.
                radii += places.map { sorted[$0 + 1] }
            }
        }
        worldSize = fit.communicator.worldSize
        l2Index = FlatL2Index(own.span, dimension: dimension)
        (self.radii, self.shares, referenceCount) = (radii, shares, count)
    }

    /// For each share the number of the rank's references whose neighbourhood of that share
    /// contains the sample while no smaller one does.
    package func partials(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double] {
        let rows = unitRows(input.copyFeatures(), dimension: input.head.dimension)
        let distances = l2Index.distances(of: rows.span, on: pool)
        var counts = [Double](repeating: 0, count: input.count * shares.count)
        for sample in 0..<input.count {
            for reference in 0..<l2Index.count {
                let distance = distances[sample * l2Index.count + reference]
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

    package func confidence(_ partials: [ArraySlice<Double>]) -> Double {
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
    /// The offset of the first element for which `belongs` is true; the elements are sorted so that
    /// it stays true.
    fileprivate func firstPlace(where belongs: (Float) -> Bool) -> Int? {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low < endIndex ? low - startIndex : nil
    }
}

/// `count` evenly spaced numbers, including both ends.
private func spaced(_ first: Double, _ last: Double, _ count: Int) -> [Double] {
    (0..<count).map { first + Double($0) * ((last - first) / Double(count - 1)) }
}
