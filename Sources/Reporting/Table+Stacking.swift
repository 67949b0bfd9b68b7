extension Table {
    /// The table split into tables of at most `width` terminal columns, to be shown one above the
    /// other; unchanged if it fits.
    ///
    /// Each repeats the key columns: the first group if it has no title, otherwise the first
    /// column. Groups of the outermost line stay whole if they fit, then those of the next line,
    /// then single columns; a column that is too wide is a table of its own. If a title leaves no
    /// room beside the key columns, its middle is elided.
    func stacked(to width: Int) -> [Table] {
        guard textWidth > width else { return [self] }
        let keys = 0..<keyColumnCount
        let table = withTitles(of: width - selecting(Array(keys)).textWidth - 3)
        return table.pack(keys.upperBound..<columns.count, line: 0, keys: keys, width: width).map {
            table.selecting(Array(keys) + $0)
        }
    }

    /// The table with its groups' titles cut to `room` characters; the middle of a title is elided.
    private func withTitles(of room: Int) -> Table {
        let shorten = { (title: String) in
            guard title.count > room, room >= 8 else { return title }
            return "\(title.prefix((room - 1) / 2))…\(title.suffix(room / 2))"
        }
        return Table(
            columns: columns,
            groups: groups.map { $0.map { Group(shorten($0.title), columnCount: $0.columnCount) } },
            rows: rows)
    }

    /// The number of key columns, which every part of the table repeats.
    private var keyColumnCount: Int {
        guard let first = groups.first?.first, first.title.isEmpty else { return 1 }
        return first.columnCount
    }

    /// Splits `range` into parts of at most `width`, without cutting a group that fits.
    private func pack(_ range: Range<Int>, line: Int, keys: Range<Int>, width: Int) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        for unit in units(of: range, line: line) {
            let fits = { (part: Range<Int>) in selecting(Array(keys) + part).textWidth <= width }
            if let last = parts.last, last.upperBound == unit.lowerBound,
                fits(last.lowerBound..<unit.upperBound)
            {
                parts[parts.count - 1] = last.lowerBound..<unit.upperBound
            } else if fits(unit) || line >= groups.count {
                parts.append(unit)
            } else {
                parts += pack(unit, line: line + 1, keys: keys, width: width)
            }
        }
        return parts
    }

    /// The groups of a line within `range`; below the last line, its columns.
    private func units(of range: Range<Int>, line: Int) -> [Range<Int>] {
        guard line < groups.count else { return range.map { $0..<$0 + 1 } }
        return ranges(of: groups[line]).map { $0.clamped(to: range) }.filter { !$0.isEmpty }
    }

    private func ranges(of line: [Group]) -> [Range<Int>] {
        var start = 0
        return line.map { group in
            defer { start += group.columnCount }
            return start..<start + group.columnCount
        }
    }

    private func selecting(_ chosen: [Int]) -> Table {
        let lines = groups.map { line in
            zip(line, ranges(of: line)).compactMap { group, range in
                let count = chosen.count { range.contains($0) }
                return count == 0 ? nil : Group(group.title, columnCount: count)
            }
        }
        return Table(
            columns: chosen.map { columns[$0] }, groups: lines,
            rows: rows.map { row in Row(chosen.map { row.cells[$0] }, isEmphasized: row.isEmphasized) })
    }
}
