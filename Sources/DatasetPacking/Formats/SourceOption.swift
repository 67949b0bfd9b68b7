/// An option of a source that only some formats take.
package enum SourceOption: CaseIterable, Sendable {
    case list, devkit, labels, transpose, classOrder
    /// `--split` with the name of one of the source's own parts.
    case part
    /// `--split` with the shares of a random split.
    case shares

    /// The option as an error names it.
    package var words: String {
        switch self {
        case .list: "--list"
        case .devkit: "--devkit"
        case .labels: "--labels"
        case .transpose: "--transpose"
        case .classOrder: "--class-order"
        case .part: "--split with a part's name"
        case .shares: "--split with shares"
        }
    }

    /// The names of the formats that take it, in the catalogue's order: `folder, tar, zip`.
    package var formatNames: String {
        DatasetFormat.all.filter { $0.options.contains(self) }.map(\.name).joined(separator: ", ")
    }
}

extension Set<SourceOption> {
    /// The options of a tree of image files.
    static var ofTrees: Self { [.list, .devkit, .classOrder, .shares] }
}
