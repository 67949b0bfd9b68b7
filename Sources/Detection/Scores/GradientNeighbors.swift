internal import Cluster
package import Inference
internal import Kernels
internal import Numerics
package import Workers

extension ScoreDefinition {
    /// Negated squared distance to the nearest gradient of a training record.
    public static let grood = ScoreDefinition(
        "grood",
        "−(squared distance of g to the nearest g of correctly predicted training images), g = q_o (h − P_o) / ‖h − P_o‖, q = softmax(−‖h − P‖) over the classes' means and the outliers' mean P_o",
        citation: "ElAraby et al., TMLR 2025, arXiv 2312.14427", fittedOn: [.trainingFeatures, .outliers],
        traits: ScoreTraits(choices: { "records \($0.grood.rawValue)" })
    ) { try GradientNeighbors($1, records: $1.options.grood) }
}

/// `grood`: the negated squared distance from an image's gradient to the nearest gradient of a
/// correctly predicted training record.
///
/// ElAraby, Sahoo, Pequignot, Novello, Paull: "GROOD: Gradient-aware out-of-distribution
/// detection", TMLR 2025, arXiv 2312.14427. The prototypes `P` are the mean feature `P_k` of each
/// class and the mean feature `P_o` of the first out-of-distribution validation records;
/// `q = softmax(−‖h − P‖)` over all prototypes. The gradient is that of the predicted class's
/// cross-entropy with respect to `P_o`: `q_o (h − P_o) / ‖h − P_o‖`, or zeros if `h` is `P_o`
/// itself.
///
/// The nearest neighbour is exact; OpenOOD's index is approximate. OpenOOD's search for settings
/// tries settings that nothing reads, so there is no search here. `Records` selects the records
/// behind `P_o` and the index. Unlike other scores, this one is fitted on out-of-distribution
/// images.
package struct GradientNeighbors: ShardedScore {
    /// The records that `P_o` and the index are computed from.
    package enum Records: String, Sendable {
        /// As in OpenOOD v1.5, which reads batches of 200. `P_o` is the mean of the batches that
        /// contain the first 100 outliers, so of 200 records. The index lacks the batch after those
        /// that it is trained on, number `min(600, ⌊0.8 · batches⌋)`. If no record would remain,
        /// none is left out.
        case openOOD
        /// `P_o` is the mean of the first 100 outliers, and the index has all correctly predicted
        /// training records.
        case exact

        /// The size of OpenOOD's batches.
        static let batch = 200
        /// The number of outliers that OpenOOD asks for.
        static let outlierCount = 100

        /// The number of outliers that `P_o` is the mean of, if the set has as many.
        var outlierCount: Int {
            switch self {
            case .openOOD: (Self.outlierCount + Self.batch - 1) / Self.batch * Self.batch
            case .exact: Self.outlierCount
            }
        }

        /// The indices of the training records that are left out of the index.
        ///
        /// - Parameter count: The number of training records of all ranks.
        package func missing(of count: Int) -> Range<Int> {
            guard self == .openOOD else { return 0..<0 }
            let batches = (count + Self.batch - 1) / Self.batch
            let first = min(600, Int(Double(batches) * 0.8)) * Self.batch
            return min(first, count)..<min(first + Self.batch, count)
        }
    }

    package let worldSize: Int
    private let prototypes: Prototypes
    /// The gradients of the rank's correctly predicted training records.
    private let l2Index: FlatL2Index

    package var partialCount: Int { 1 }

    /// Collective.
    ///
    /// - Throws: `FitError` if a class has no record, or no training record is predicted correctly.
    package init(_ fit: FitContext, records: Records = .openOOD) throws {
        let (training, communicator) = (fit.training, fit.communicator)
        let prototypes = Prototypes(
            classes: try fit.classMeans(for: .grood).means,
            outlier: try fit.outliers.mean(ofFirst: records.outlierCount, on: communicator))
        let right = (0..<training.count).filter {
            indexOfMaximum(training.input.logits(of: $0)) == Int(training.labels[$0])
        }
        let missing = records.missing(of: try training.totalCount(on: communicator))
        let first = try fit.firstTrainingPlace()
        let left = right.filter { !missing.contains(first + $0) }
        var count = [Int64(right.count), Int64(left.count)]
        var span = count.mutableSpan
        try communicator.treeSum(&span)
        guard count[0] > 0 else {
            throw FitError(
                score: .grood,
                reason:
                    "no record of the training set is predicted correctly, expected at least one; evaluate another checkpoint"
            )
        }
        let dimension = fit.head.dimension
        let features = (count[1] > 0 ? left : right).flatMap {
            training.features[$0 * dimension..<($0 + 1) * dimension]
        }
        let gradients = prototypes.gradients(of: features.span, on: WorkerPool(threads: 1))
        worldSize = communicator.worldSize
        l2Index = FlatL2Index(gradients.span, dimension: dimension)
        self.prototypes = prototypes
    }

    package func partials(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double] {
        let gradients = prototypes.gradients(of: input.features, on: pool)
        var nearest = [Float](repeating: 0, count: input.count)
        var span = nearest.mutableSpan
        l2Index.fillSmallestDistances(of: gradients.span, neighbors: 1, into: &span, on: pool)
        return nearest.map(Double.init)
    }

    package func confidence(_ partials: [ArraySlice<Double>]) -> Double {
        let distances = partials.compactMap(\.first)
        if distances.contains(where: \.isNaN) { return .nan }
        return -(distances.min() ?? .infinity)
    }

    package func prediction(of sample: Int, in input: borrowing ScoreInput) -> Int {
        prototypes.nearestClass(to: input.features(of: sample))
    }
}

/// The mean features of the classes, followed by that of the outliers.
private struct Prototypes: Sendable {
    /// Gives the inner products of features with the prototypes.
    private let map: LinearMap
    private let squares: [Double]
    private let outlier: [Double]

    private var dimension: Int { outlier.count }

    init(classes: [[Double]], outlier: [Double]) {
        let all = classes + [outlier]
        map = LinearMap(directions: all, origin: [Double](repeating: 0, count: outlier.count))
        squares = all.map { $0.reduce(0) { $0 + $1 * $1 } }
        self.outlier = outlier
    }

    /// The distances of features to all prototypes, shape `[N, classes + 1]`.
    private func distances(of features: Span<Float>) -> [Double] {
        var result = map(features)
        for sample in 0..<features.count / dimension {
            var square = 0.0
            for j in sample * dimension..<(sample + 1) * dimension {
                square += Double(features[j]) * Double(features[j])
            }
            for (k, other) in squares.enumerated() {
                let place = sample * squares.count + k
                let distance = square + other - 2 * result[place]
                // Rounding may give a negative value; NaN stays NaN.
                result[place] = (distance < 0 ? 0 : distance).squareRoot()
            }
        }
        return result
    }

    /// The gradients of features, shape `[N, D]`.
    func gradients(of features: Span<Float>, on pool: WorkerPool) -> [Float] {
        var result = [Float](repeating: 0, count: features.count)
        var span = result.mutableSpan
        pool.split(&span, every: 32 * dimension) { index, part in
            let start = index * 32 * dimension
            fill(&part, features.extracting(start..<start + part.count))
        }
        return result
    }

    private func fill(_ gradients: inout MutableSpan<Float>, _ features: Span<Float>) {
        let distances = distances(of: features)
        for sample in 0..<features.count / dimension {
            let own = distances[sample * squares.count..<(sample + 1) * squares.count]
            let last = own[own.endIndex - 1]
            // The distance is computed again from differences: for a feature close to the
            // prototype, the expanded squares above cancel and keep no correct digit.
            var square = 0.0
            for j in 0..<dimension {
                let difference = Double(features[sample * dimension + j]) - outlier[j]
                square += difference * difference
            }
            let length = square.squareRoot()
            guard length != 0 else { continue }
            let share = 1 / own.reduce(0) { $0 + exponential(last - $1) }
            for j in 0..<dimension {
                let difference = Double(features[sample * dimension + j]) - outlier[j]
                gradients[sample * dimension + j] = Float(share * difference / length)
            }
        }
    }

    /// The class with the nearest prototype; ties go to the first.
    func nearestClass(to feature: Span<Float>) -> Int {
        let distances = distances(of: feature)
        var nearest = 0
        for k in 0..<squares.count - 1 where distances[k] < distances[nearest] { nearest = k }
        return nearest
    }
}

extension FeatureShard {
    /// The mean feature of a set's first records, or of all if there are fewer, summed in record
    /// order. Collective.
    fileprivate func mean(ofFirst count: Int, on communicator: any Communicator) throws(MPIError) -> [Double]
    {
        let own = Array(features.prefix(count * head.dimension))
        let all = try communicator.allGather(own.span).prefix(count * head.dimension)
        var sums = [Double](repeating: 0, count: head.dimension)
        for (place, value) in all.enumerated() { sums[place % head.dimension] += Double(value) }
        return sums.map { $0 / Double(all.count / head.dimension) }
    }
}
