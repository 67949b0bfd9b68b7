extension DatasetFormat {
    /// All formats, in the order of the help and of the errors that list formats.
    package static let all: [DatasetFormat] = [
        .folder, .tar, .zip,
        .cifar10, .cifar100,
        .svhn,
        .idx,
        .stl10,
        .npy, .npz,
        .nestedTar,
        .webDataset,
    ]

    /// The format with this name; `nil` if there is none.
    package init?(named name: String) {
        guard let format = Self.all.first(where: { $0.name == name }) else { return nil }
        self = format
    }

    /// The format of an input; `nil` if no format recognises it.
    static func recognized(_ content: InputContent, _ options: SourceOptions) -> DatasetFormat? {
        var best: (format: DatasetFormat, certainty: Certainty)?
        for format in all {
            guard let certainty = format.recognize(content, options) else { continue }
            if best.map({ certainty > $0.certainty }) ?? true { best = (format, certainty) }
        }
        return best?.format
    }

    /// The lines of the help that list the formats.
    package static var helpLines: String {
        let width = all.map(\.name.count).max() ?? 0
        return all.map { format in
            "  \(format.name)\(String(repeating: " ", count: width - format.name.count))  \(format.summary)"
        }.joined(separator: "\n")
    }

    /// The table of the formats in `docs/data.md`, a line for each row. Formats with the same row
    /// share it.
    package static var documentation: String {
        var rows: [(names: [String], row: Row)] = []
        for format in all {
            for row in format.rows {
                if let index = rows.firstIndex(where: { $0.row == row }) {
                    rows[index].names.append(format.name)
                } else {
                    rows.append(([format.name], row))
                }
            }
        }
        let lines = rows.map { names, row in
            "| \(row.what) | \(names.map { "`\($0)`" }.joined(separator: ", ")) | \(row.naming) | \(row.notes) |"
        }
        return (["| what | `--format` | how to name it | notes |", "|---|---|---|---|"] + lines)
            .joined(separator: "\n")
    }
}
