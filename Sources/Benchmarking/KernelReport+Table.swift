internal import Foundation
internal import Kernels
package import Reporting

extension KernelReport {
    /// One row per layer and algorithm, with rates, shares of the peak and errors of the three
    /// passes.
    package var table: Table {
        let passes = ["forward", "input", "weights"]
        return Table(
            columns: ["layer", "layers", "images", "checked", "algorithm"] + passes + passes + passes,
            groups: [
                [
                    Table.Group("", columnCount: 5), Table.Group("GFLOP/s", columnCount: 3),
                    Table.Group("% of peak", columnCount: 3),
                    Table.Group("relative rms error", columnCount: 3),
                ]
            ],
            rows: rows.map { Table.Row($0.cells) })
    }

    /// A line with the settings, the table, and a line with the largest error.
    ///
    /// - Parameter layout: The table as text.
    package func description(_ layout: (Table) -> String) -> String {
        var text = """
            \(threads) threads, fused multiply-adds reach \(decimal(peakGigaflopsPerSecond, 1)) GFLOP/s; best of \(runs) \
            runs, microbatches of \(microbatch)

            \(layout(table))
            """
        if let worst {
            text += """

                largest error: \(scientific(worst.figures.relativeError)), \(worst.figures.pass.title) of \
                \(worst.row.layer) by \(worst.row.algorithm.rawValue)
                """
        }
        return text
    }
}

extension KernelReport.Row {
    fileprivate var cells: [String] {
        [layer, "\(counts.values.reduce(0, +))", "\(images)", "\(checkedImages)", algorithm.rawValue]
            + passes.map { decimal($0.gigaflopsPerSecond, 0) }
            + passes.map { decimal(100 * $0.shareOfPeak, 0) }
            + passes.map { scientific($0.relativeError) }
    }
}

/// Scientific notation with two digits.
private func scientific(_ value: Double) -> String { String(format: "%.1e", value) }
