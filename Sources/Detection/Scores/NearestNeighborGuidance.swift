internal import Cluster
internal import Kernels
internal import Numerics

/// `nnguide`: the energy times the mean similarity to the most similar training records, each weighed by its own energy.
///
/// Park, Jung, Teoh: "Nearest neighbor guidance for out-of-distribution detection", ICCV 2023, arXiv 2309.14888, section 3. The bank is
/// about a hundredth of the training set, and every rank has all of it.
public struct NearestNeighborGuidance: Score {
    /// Which records the bank has.
    public enum Bank: Sendable {
        /// The first ones up to the next multiple of this above a hundredth of the set, as in OpenOOD with its batch of 200. Of
        /// a set in the order of classes it has one class or two.
        case first(multipleOf: Int)
        /// As many as a hundredth, evenly spread over the set, in place of the paper's random ones.
        case spread
    }

    public let name = ScoreName.nnguide
    /// How many of the most similar records count; all if there are fewer.
    public let neighbors: Int
    private let bank: LinearMap

    public init(_ fit: ScoreFit, neighbors: Int = 100, bank: Bank = .first(multipleOf: 200)) throws {
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

    public func evaluate(
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
            // One record each time the share of a hundredth passes a whole number.
            record * max(total / 100, 1) / total != (record - 1) * max(total / 100, 1) / total || record == 0
        }
    }
}
