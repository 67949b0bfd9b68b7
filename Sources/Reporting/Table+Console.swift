extension Table {
    /// The table in aligned columns, with a rule under the titles and under emphasised rows.
    ///
    /// Bars separate the groups of the outermost line. A table that is wider than the terminal is
    /// split into several tables with fewer groups each, one above the other.
    ///
    /// - Parameters:
    ///   - styled: Whether titles and emphasised rows are bold, by ANSI escapes.
    ///   - width: The number of columns of the terminal.
    package func console(styled: Bool = false, width: Int = .max) -> String {
        shown.stacked(to: width).map { $0.console(bold: styled) }.joined(separator: "\n")
    }

    /// The width of the table's longest line, in terminal columns.
    var textWidth: Int { Layout(self).width }

    private func console(bold styled: Bool) -> String {
        let layout = Layout(self)
        var lines = groups.map { bold(layout.line($0), styled) }
        lines.append(bold(layout.line(columns), styled))
        lines.append(layout.rule)
        for (index, row) in rows.enumerated() {
            let line = layout.line(row.cells)
            lines.append(row.isEmphasized ? bold(line, styled) : line)
            if row.isEmphasized && index < rows.count - 1 { lines.append(layout.rule) }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension Table {
    /// The table with shortened cells and titles that are safe to print on a terminal.
    private var shown: Table {
        let show = { (text: String) in shortened(terminalText(text), to: 256) }
        return Table(
            columns: columns.map(show),
            groups: groups.map { $0.map { Group(show($0.title), columnCount: $0.columnCount) } },
            rows: rows.map { Row($0.cells.map(show), isEmphasized: $0.isEmphasized) })
    }
}

private func bold(_ line: String, _ styled: Bool) -> String { styled ? "\u{1B}[1m\(line)\u{1B}[0m" : line }

/// The widths of a table's columns and the gaps between them, in terminal columns.
private struct Layout {
    private var widths: [Int]
    /// The first column of each group of the outermost line.
    private let starts: Set<Int>

    init(_ table: Table) {
        widths = table.columns.indices.map { column in
            ([table.columns] + table.rows.map(\.cells)).map { columnCount($0[column]) }.max() ?? 0
        }
        var starts: Set<Int> = []
        var start = 0
        for group in table.groups.first ?? [] {
            starts.insert(start)
            start += group.columnCount
        }
        self.starts = starts
        // A title wider than its columns widens the last of them; inner groups first.
        for line in table.groups.reversed() {
            var start = 0
            for group in line {
                let columns = start..<start + group.columnCount
                widths[columns.upperBound - 1] += max(0, columnCount(group.title) - width(of: columns))
                start = columns.upperBound
            }
        }
    }

    /// The width of the whole table.
    var width: Int { width(of: widths.indices) }

    private func gap(before column: Int) -> String {
        if column == 0 { return "" }
        return starts.contains(column) ? " │ " : "  "
    }

    private func width(of columns: Range<Int>) -> Int {
        columns.reduce(0) { $0 + widths[$1] + ($1 == columns.lowerBound ? 0 : gap(before: $1).count) }
    }

    func line(_ cells: [String]) -> String {
        cells.indices.map { column in
            let space = String(repeating: " ", count: widths[column] - columnCount(cells[column]))
            return gap(before: column) + (column == 0 ? cells[column] + space : space + cells[column])
        }.joined().trimmingTrailingSpaces
    }

    func line(_ groups: [Table.Group]) -> String {
        var text = ""
        var start = 0
        for group in groups {
            let columns = start..<start + group.columnCount
            let space = String(repeating: " ", count: width(of: columns) - columnCount(group.title))
            text += gap(before: start) + group.title + space
            start = columns.upperBound
        }
        return text.trimmingTrailingSpaces
    }

    var rule: String {
        widths.indices.map { column in
            gap(before: column).map { $0 == "│" ? "┼" : "─" } + Array(repeating: "─", count: widths[column])
        }.map { String($0) }.joined()
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
