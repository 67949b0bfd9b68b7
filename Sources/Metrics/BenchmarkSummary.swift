/// The mean and standard deviation of some values.
package struct Spread: Equatable, Sendable {
    package let mean: Double
    /// The population standard deviation (divided by the number of values, not by one less).
    package let deviation: Double

    /// - Precondition: At least one value.
    package init(_ values: [Double]) {
        precondition(!values.isEmpty, "the mean of no values")
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        self.mean = mean
        deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    }

    /// A spread whose mean and deviation are known, such as published ones.
    package init(mean: Double, deviation: Double) {
        self.mean = mean
        self.deviation = deviation
    }
}

/// One score over the runs (seeds) of one experiment.
///
/// The deviation of a near or far row is that of the runs' means, not a mean of deviations.
package struct BenchmarkSummary: Equatable, Sendable {
    package let rows: [BenchmarkRow]
    /// Percent, shape `[rows, MetricColumn.allCases]`; `nil` where no value is known, such as for a
    /// missing dataset.
    package let values: [[Spread?]]
    /// The number of runs.
    package let runCount: Int

    /// - Precondition: At least one result, all with the same rows.
    package init(_ results: [BenchmarkResult]) {
        precondition(!results.isEmpty, "a summary of no runs")
        rows = results[0].rows
        for result in results {
            precondition(
                result.rows == rows, "rows \(result.rows.map(\.name)) beside \(results[0].rows.map(\.name))")
        }
        values = rows.indices.map { row in
            MetricColumn.allCases.indices.map { column in
                let known = results.compactMap { $0.values[row][column] }
                return known.count == results.count ? Spread(known) : nil
            }
        }
        runCount = results.count
    }

    /// A summary whose values are known, such as published ones.
    ///
    /// - Parameters:
    ///   - values: Percent, shape `[rows, MetricColumn.allCases]`.
    ///   - runCount: The number of runs behind the values; for a single run, deviations are not
    ///     shown.
    package init(rows: [BenchmarkRow], values: [[Spread?]], runCount: Int) {
        precondition(
            rows.count == values.count && values.allSatisfy { $0.count == MetricColumn.allCases.count },
            "\(values.map(\.count)) values for \(rows.count) rows")
        self.rows = rows
        self.values = values
        self.runCount = runCount
    }

    /// The spread in one cell; `nil` if the benchmark has no such row or no value is known.
    package subscript(row: BenchmarkRow, column: MetricColumn) -> Spread? {
        guard let index = rows.firstIndex(of: row) else { return nil }
        return values[index][MetricColumn.allCases.firstIndex(of: column)!]
    }
}
