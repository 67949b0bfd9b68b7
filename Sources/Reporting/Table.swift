/// Rows of text under titled columns.
package struct Table: Equatable, Sendable {
    package struct Row: Equatable, Sendable {
        /// One cell for each column.
        package var cells: [String]
        /// Whether the row stands out: bold, and followed by a rule.
        package var isEmphasized: Bool

        package init(_ cells: [String], isEmphasized: Bool = false) {
            self.cells = cells
            self.isEmphasized = isEmphasized
        }
    }

    /// A title over some neighbouring columns.
    package struct Group: Equatable, Sendable {
        package var title: String
        package var columnCount: Int

        package init(_ title: String, columnCount: Int) {
            self.title = title
            self.columnCount = columnCount
        }
    }

    /// The columns' titles. The first column is aligned to the left, all others to the right.
    package let columns: [String]
    /// Lines of group titles above the columns' titles, the outermost first; each line covers all
    /// columns.
    package let groups: [[Group]]
    package let rows: [Row]

    /// - Precondition: Each line of groups and each row covers all columns.
    package init(columns: [String], groups: [[Group]] = [], rows: [Row]) {
        for line in groups {
            let covered = line.reduce(0) { $0 + $1.columnCount }
            precondition(
                covered == columns.count && line.allSatisfy { $0.columnCount >= 1 },
                "groups of \(covered) columns over \(columns.count)")
        }
        for row in rows {
            precondition(
                row.cells.count == columns.count,
                "a row of \(row.cells.count) cells under \(columns.count) columns")
        }
        self.columns = columns
        self.groups = groups
        self.rows = rows
    }

    /// Comma-separated values with the columns' titles, without group titles (RFC 4180, lines end
    /// in LF).
    package var csv: String {
        ([columns] + rows.map(\.cells)).map { line in
            line.map(csvField).joined(separator: ",") + "\n"
        }.joined()
    }

    /// A Markdown table; each column's title is prefixed with its groups' titles.
    package var markdown: String {
        let titles = columns.indices.map { column in
            (groups.map { title(over: column, in: $0) } + [columns[column]])
                .filter { !$0.isEmpty }.joined(separator: " ")
        }
        let rules = columns.indices.map { $0 == 0 ? "---" : "---:" }
        let body = rows.map { row in
            row.cells.map { row.isEmphasized && !$0.isEmpty ? "**\($0)**" : $0 }
        }
        return ([titles, rules] + body).map { line in
            "| " + line.map { terminalText($0).replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
        }.joined()
    }

    private func title(over column: Int, in line: [Group]) -> String {
        var end = 0
        for group in line {
            end += group.columnCount
            if column < end { return group.title }
        }
        return ""
    }
}

/// A CSV field, quoted if necessary (RFC 4180).
package func csvField(_ text: String) -> String {
    let needsQuotes = text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
    return needsQuotes ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
}
