internal import Cluster
package import Inference
internal import Kernels
internal import Numerics

extension ScoreDefinition {
    /// Energy times the mean similarity to the nearest training records.
    public static let nnguide = ScoreDefinition(
        "nnguide", "log Σ exp z · mean of the k largest ĥ · ĝ, ĝ = ĥ log Σ exp z, of 1 % of the set",
        citation: "Park et al., ICCV 2023, arXiv 2309.14888, section 3", fittedOn: .trainingFeatures,
        settings: [.whole("k", 100, in: 1...1_000_000), .words("bank", ["first", "spread"])]
    ) {
        try NearestNeighborGuidance(
            $1, neighbors: $0.whole("k"),
            bank: $0.word("bank") == "spread" ? .spread : .first(multipleOf: 200))
    }
}

/// `nnguide`: the energy times the mean similarity to the most similar training records, each
/// weighted by its own energy.
///
/// Park, Jung, Teoh: "Nearest neighbor guidance for out-of-distribution detection", ICCV 2023,
/// arXiv 2309.14888, section 3. The bank is about a hundredth of the training set, and every rank
/// holds all of it.
package struct NearestNeighborGuidance: Score {
    /// The records in the bank.
    package enum Bank: Sendable {
        /// The first records, as many as the next multiple of this number above a hundredth of the
        /// set, as in OpenOOD with its batch size of 200. If the set is ordered by class, the bank
        /// has one class or two.
        case first(multipleOf: Int)
        /// A hundredth of the records, evenly spaced over the set; the paper draws them at random.
        case spread
    }

    /// The number of most similar records that are averaged; all if there are fewer.
    package let neighbors: Int
    private let bank: LinearMap

    package init(_ fit: FitContext, neighbors: Int = 100, bank: Bank = .first(multipleOf: 200)) throws {
        precondition(neighbors >= 1, "\(neighbors) neighbours")
        self.neighbors = neighbors
        let (training, dimension) = (fit.training, fit.head.dimension)
        let own = [Int64(training.count)]
        let counts = try fit.communicator.allGather(own.span).map { Int($0) }
        let total = counts.reduce(0, +)
        let first = counts[..<fit.communicator.rank].reduce(0, +)
        let units = unitRows(training.features, dimension: dimension)
        var rows: [Double] = []
        for record in 0..<training.count where bank.has(first + record, of: total) {
            let logits = training.input.logits(of: record)
            let largest = maximumOrNaN(logits)
            let energy = Double(largest + logarithm(exponentialSum(logits, below: largest)))
            rows += units[record * dimension..<(record + 1) * dimension].map { Double($0) * energy }
        }
        let all = try fit.communicator.allGather(rows.span)
        self.bank = LinearMap(
            directions: stride(from: 0, to: all.count, by: dimension).map { Array(all[$0..<$0 + dimension]) },
            origin: [Double](repeating: 0, count: dimension))
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let units = unitRows(input.copyFeatures(), dimension: input.head.dimension)
        let similarities = bank(units.span)
        let count = min(neighbors, bank.rank)
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let predicted = indexOfMaximum(row)
            let largest = row[predicted]
            let energy = Double(largest + logarithm(exponentialSum(row, below: largest)))
            let own = similarities[sample * bank.rank..<(sample + 1) * bank.rank].sorted(by: >)
            confidences[sample] = energy * own.prefix(count).reduce(0, +) / Double(count)
            predictions[sample] = Int32(predicted)
        }
    }
}

extension NearestNeighborGuidance.Bank {
    fileprivate func has(_ record: Int, of total: Int) -> Bool {
        switch self {
        case .first(let batch): record < (total / 100 / batch + 1) * batch
        case .spread:
            // One record each time a hundredth of the index reaches the next whole number.
            record * max(total / 100, 1) / total != (record - 1) * max(total / 100, 1) / total || record == 0
        }
    }
}
