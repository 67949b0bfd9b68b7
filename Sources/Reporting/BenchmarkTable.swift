internal import Foundation
package import Metrics

extension Table {
    /// One score on one benchmark, in the rows and columns of OpenOOD's tables.
    ///
    /// A cell is `{mean:.2f} ± {std:.2f}` over the runs, or `{:.2f}` for a single run. The table as
    /// CSV is OpenOOD's result file.
    ///
    /// - Parameter unknown: The cells of a missing dataset; CSV readers parse empty cells as NaN.
    package init(_ summary: BenchmarkSummary, unknown: String = "") {
        self.init(
            columns: [""] + MetricColumn.allCases.map(\.rawValue),
            rows: summary.rows.map { row in
                Row(
                    [row.name]
                        + MetricColumn.allCases.map { cell(summary, row, $0, unknown: unknown) },
                    isEmphasized: row.isMean)
            })
    }

    /// One score of one experiment, to be compared with others.
    package struct Contender: Sendable {
        /// The name of the experiment, which has one or more runs.
        package var run: String
        package var score: String
        package var summary: BenchmarkSummary
        /// Contenders of one group share a title; by default the group is `run`.
        package var group: String
        /// Whether the numbers are published ones.
        package var isPublished: Bool

        package init(
            run: String, score: String, summary: BenchmarkSummary, group: String? = nil,
            isPublished: Bool = false
        ) {
            self.run = run
            self.score = score
            self.summary = summary
            self.group = group ?? run
            self.isPublished = isPublished
        }
    }

    /// Contenders side by side: columns grouped by run, then by score.
    ///
    /// The rows are the near datasets, their mean, the far datasets and their mean; a dash stands
    /// for a dataset that a contender lacks. A run's title includes its accuracy, which is the same
    /// in all its rows.
    ///
    /// - Parameters:
    ///   - contenders: Contenders of one group are adjacent.
    ///   - metrics: The columns of each score.
    package init(
        comparing contenders: [Contender],
        metrics: [MetricColumn] = [.falsePositiveRate, .areaUnderROC]
    ) {
        var runs: [Group] = []
        for (index, contender) in contenders.enumerated() {
            if index > 0 && contenders[index - 1].group == contender.group {
                runs[runs.count - 1].columnCount += metrics.count
            } else {
                runs.append(Group(title(of: contender), columnCount: metrics.count))
            }
        }
        let scores = contenders.map { Group($0.score, columnCount: metrics.count) }
        self.init(
            columns: ["dataset"] + contenders.flatMap { _ in metrics.map(\.rawValue) },
            groups: [runs, scores].map { [Group("", columnCount: 1)] + $0 },
            rows: allRows(contenders.map(\.summary.rows)).map { row in
                Row(
                    [row.name]
                        + contenders.flatMap { contender in
                            metrics.map { cell(contender.summary, row, $0) }
                        }, isEmphasized: row.isMean)
            })
    }
}

private func title(of contender: Table.Contender) -> String {
    let summary = contender.summary
    guard let row = summary.rows.first(where: { summary[$0, .accuracy] != nil }) else { return contender.run }
    return "\(contender.run), ACC \(cell(summary, row, .accuracy))"
}

private func cell(
    _ summary: BenchmarkSummary, _ row: BenchmarkRow, _ column: MetricColumn, unknown: String = "–"
) -> String {
    guard let spread = summary[row, column] else { return unknown }
    return summary.runCount == 1
        ? String(format: "%.2f", spread.mean)
        : String(format: "%.2f ± %.2f", spread.mean, spread.deviation)
}

/// The union of the lists' rows, near datasets first, in the order of their first appearance.
private func allRows(_ lists: [[BenchmarkRow]]) -> [BenchmarkRow] {
    var near: [BenchmarkRow] = []
    var far: [BenchmarkRow] = []
    for rows in lists {
        let nearCount = rows.firstIndex(of: .nearMean) ?? 0
        for row in rows[..<nearCount] where !near.contains(row) { near.append(row) }
        for row in rows[nearCount...] where !row.isMean && !far.contains(row) { far.append(row) }
    }
    return (near.isEmpty ? [] : near + [.nearMean]) + (far.isEmpty ? [] : far + [.farMean])
}
