internal import Foundation
package import Metrics

extension Table {
    /// The intervals of one score's table: a cell is `{low:.2f} – {high:.2f}`, empty in the row of
    /// a missing dataset.
    ///
    /// - Parameter intervals: Percent, shape `[rows, MetricColumn.allCases]`.
    package init(rows: [BenchmarkRow], intervals: [[ClosedRange<Double>?]]) {
        self.init(
            columns: [""] + MetricColumn.allCases.map(\.rawValue),
            rows: zip(rows, intervals).map { row, cells in
                Row(
                    [row.name]
                        + cells.map { cell in
                            cell.map { String(format: "%.2f – %.2f", $0.lowerBound, $0.upperBound) } ?? ""
                        }, isEmphasized: row.isMean)
            })
    }
}
