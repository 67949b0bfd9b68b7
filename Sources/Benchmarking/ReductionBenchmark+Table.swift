package import Reporting

extension ReductionBenchmark.Report {
    /// The table and both fits.
    ///
    /// - Parameter layout: The table as text.
    package func description(_ layout: (Table) -> String) -> String {
        let table = Table(
            columns: ["bytes", "rounds", "tree, ms", "MB/s", "library, ms", "MB/s", "ratio"],
            rows: rows.map { row in
                Table.Row([
                    "\(row.bytes)", "\(row.rounds)", decimal(1e3 * row.treeSeconds, 3),
                    decimal(Double(row.bytes) / row.treeSeconds / 1e6, 0),
                    decimal(1e3 * row.librarySeconds, 3),
                    decimal(Double(row.bytes) / row.librarySeconds / 1e6, 0), decimal(row.ratio, 2),
                ])
            })
        return """
            \(ranks) ranks on \(hosts) \(hosts == 1 ? "host" : "hosts")

            \(layout(table))

            tree: \(tree.description); library: \(library.description)
            """
    }
}

extension LatencyAndBandwidth {
    fileprivate var description: String {
        "α = \(decimal(1e6 * latency, 1)) µs, \(decimal(bandwidth / 1e6, 0)) MB/s"
    }
}
