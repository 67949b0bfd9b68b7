internal import Datasets
internal import Files

/// The problems found in a source, image by image.
struct PackingReport {
    enum Kind: String, Codable, CaseIterable, Sendable {
        /// Not packed, because it cannot be decoded.
        case damaged
        /// Not packed, because it does not exist.
        case missing
        /// Packed, though its name says JPEG and it is a PNG, or the other way round.
        case misnamed
        /// Packed, though an image before it has the same content.
        case duplicate
    }

    /// One line of the report.
    struct Entry: Codable, Sendable {
        /// The record's index among those that were read.
        var position: Int
        var kind: Kind
        var path: String
        var place: String
        var cause: String
    }

    static let fileName = "report.csv"

    private let entries: [Entry]

    /// - Parameter entries: In any order; entries of one record keep theirs.
    init(_ entries: [Entry]) {
        self.entries = entries.enumerated()
            .sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }
            .map(\.element)
    }

    private var lines: [String] {
        entries.map { entry in
            [entry.kind.rawValue, entry.path, entry.place, entry.cause].map(quoted).joined(separator: ",")
        }
    }

    /// The number of entries of each kind, as notes.
    var notes: [String] {
        let words: [(Kind, String)] = [
            (.damaged, "damaged images left out"), (.missing, "missing images left out"),
            (.misnamed, "images whose file extension is another format's"), (.duplicate, "duplicate images"),
        ]
        return words.compactMap { kind, text in
            let count = entries.count { $0.kind == kind }
            return count == 0 ? nil : "\(count) \(text): see \(Self.fileName)"
        }
    }

    /// Writes the report into a folder, unless it is empty.
    func write(folder: String) throws(DatasetError) {
        guard !entries.isEmpty else { return }
        let path = "\(folder)/\(Self.fileName)"
        try DatasetError.wrapping("write report", path) {
            try writeFile((["kind,path,place,cause"] + lines).joined(separator: "\n") + "\n", to: path)
        }
    }
}

private func quoted(_ field: String) -> String {
    let isPlain = field.utf8.allSatisfy { ![UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }
    return isPlain ? field : "\"\(field.replacing("\"", with: "\"\""))\""
}
