/// The columns of a benchmark table, all in percent.
package enum MetricColumn: String, CaseIterable, Sendable {
    case falsePositiveRate = "FPR@95"
    case areaUnderROC = "AUROC"
    case areaUnderPrecisionRecallIn = "AUPR_IN"
    case areaUnderPrecisionRecallOut = "AUPR_OUT"
    case accuracy = "ACC"
}

/// A row of a benchmark table.
package enum BenchmarkRow: Hashable, Sendable {
    case dataset(String)
    /// The unweighted mean over the near datasets.
    case nearMean
    /// The unweighted mean over the far datasets.
    case farMean

    /// The name in OpenOOD's tables.
    package var name: String {
        switch self {
        case .dataset(let name): name
        case .nearMean: "nearood"
        case .farMean: "farood"
        }
    }

    /// The row with a name from OpenOOD's tables.
    package init(name: String) {
        switch name {
        case BenchmarkRow.nearMean.name: self = .nearMean
        case BenchmarkRow.farMean.name: self = .farMean
        default: self = .dataset(name)
        }
    }

    /// Whether the row is a mean over datasets.
    package var isMean: Bool { self == .nearMean || self == .farMean }
}

/// One score of one run on all out-of-distribution datasets of a benchmark.
package struct BenchmarkResult: Equatable, Sendable {
    /// The metrics of one dataset.
    package struct Entry: Equatable, Sendable {
        package var dataset: String
        /// `nil` if the dataset is missing.
        package var metrics: RankingMetrics?

        package init(dataset: String, metrics: RankingMetrics?) {
            self.dataset = dataset
            self.metrics = metrics
        }
    }

    /// Near datasets, their mean, far datasets, their mean; without datasets there is no mean row.
    package let rows: [BenchmarkRow]
    /// Percent, shape `[rows, MetricColumn.allCases]`; `nil` in the row of a missing dataset, and
    /// in the accuracy column if there is no accuracy.
    package let values: [[Double?]]

    /// A mean row averages the datasets that are not missing; it has no values if all are missing.
    ///
    /// - Parameters:
    ///   - near: In the table's order.
    ///   - far: In the table's order.
    ///   - accuracy: The classifier's accuracy on the in-distribution test set, the same in every
    ///     row; `nil` without a classifier.
    package init(near: [Entry], far: [Entry], accuracy: Accuracy?) {
        var rows: [BenchmarkRow] = []
        var values: [[Double?]] = []
        for (entries, mean) in [(near, BenchmarkRow.nearMean), (far, .farMean)] where !entries.isEmpty {
            let part = entries.map { entry in entry.metrics.map { percentages($0, accuracy) } }
            let known = part.compactMap(\.self)
            rows += entries.map { .dataset($0.dataset) } + [mean]
            values += (part + [known.isEmpty ? nil : means(known)]).map { $0 ?? noValues }
        }
        self.init(rows: rows, values: values)
    }

    /// A stored result.
    ///
    /// - Parameter values: Percent, shape `[rows, MetricColumn.allCases]`.
    package init(rows: [BenchmarkRow], values: [[Double?]]) {
        precondition(
            rows.count == values.count && values.allSatisfy { $0.count == MetricColumn.allCases.count },
            "\(values.map(\.count)) values for \(rows.count) rows")
        self.rows = rows
        self.values = values
    }

    /// The percentage in one cell; `nil` if the benchmark has no such row or its dataset is
    /// missing.
    package subscript(row: BenchmarkRow, column: MetricColumn) -> Double? {
        guard let index = rows.firstIndex(of: row) else { return nil }
        return values[index][MetricColumn.allCases.firstIndex(of: column)!]
    }
}

private let noValues = [Double?](repeating: nil, count: MetricColumn.allCases.count)

/// The mean of each column; `nil` if a row has no value.
private func means(_ rows: [[Double?]]) -> [Double?] {
    MetricColumn.allCases.indices.map { column in
        let known = rows.compactMap { $0[column] }
        return known.count == rows.count ? Spread(known).mean : nil
    }
}

/// The metrics in percent, in the order of `MetricColumn.allCases`.
private func percentages(_ metrics: RankingMetrics, _ accuracy: Accuracy?) -> [Double?] {
    MetricColumn.allCases.map { column in
        switch column {
        case .falsePositiveRate: 100 * metrics.falsePositiveRate
        case .areaUnderROC: 100 * metrics.areaUnderROC
        case .areaUnderPrecisionRecallIn: 100 * metrics.areaUnderPrecisionRecallIn
        case .areaUnderPrecisionRecallOut: 100 * metrics.areaUnderPrecisionRecallOut
        case .accuracy: accuracy.map { 100 * $0.fraction }
        }
    }
}
