import Foundation
import Kernels
import Reporting

extension KernelReport {
    /// One row a layer and path; rates, shares of the peak and errors of the three passes.
    var table: Table {
        let passes = ["forward", "input", "weights"]
        return Table(
            columns: ["layer", "layers", "images", "checked", "path"] + passes + passes + passes,
            groups: [
                [
                    Table.Group("", columnCount: 5), Table.Group("GFLOP/s", columnCount: 3),
                    Table.Group("% of peak", columnCount: 3),
                    Table.Group("relative rms error", columnCount: 3),
                ]
            ],
            rows: rows.map { Table.Row($0.cells) })
    }

    /// The table between what it was measured with and its largest error.
    func description(on terminal: Terminal?) -> String {
        var text = """
            \(threads) threads, fused multiply-adds reach \(decimal(peakGigaflopsPerSecond, 1)) GFLOP/s; best of \(runs) \
            runs, lanes of \(lane)

            \(table.console(on: terminal))
            """
        if let worst {
            text += """

                largest error: \(scientific(worst.figures.relativeError)), \(worst.figures.pass.title) of \
                \(worst.row.layer) by \(worst.row.path.rawValue)
                """
        }
        return text
    }
}

extension KernelReport.Row {
    fileprivate var cells: [String] {
        [layer, "\(counts.values.reduce(0, +))", "\(images)", "\(checkedImages)", path.rawValue]
            + passes.map { decimal($0.gigaflopsPerSecond, 0) }
            + passes.map { decimal(100 * $0.shareOfPeak, 0) }
            + passes.map { scientific($0.relativeError) }
    }
}

/// Two digits and a power of ten.
private func scientific(_ value: Double) -> String { String(format: "%.1e", value) }
