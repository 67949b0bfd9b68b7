internal import Files

/// What was met in a source that its user should know of, image by image.
struct PackingReport {
    enum Kind: String, CaseIterable {
        /// Not packed, because it cannot be decoded.
        case damaged
        /// Not packed, because it is not there.
        case missing
        /// Packed, though its name says JPEG and it is a PNG, or the other way round.
        case misnamed
        /// Packed, though an image before it has the same content.
        case duplicate
    }

    static let fileName = "report.csv"

    private var lines: [String] = []
    private var counts: [Kind: Int] = [:]

    /// The images that were not packed.
    var skippedCount: Int { counts[.damaged, default: 0] + counts[.missing, default: 0] }

    mutating func add(_ kind: Kind, _ record: Record, cause: String) {
        counts[kind, default: 0] += 1
        lines.append([kind.rawValue, record.path, record.place, cause].map(quoted).joined(separator: ","))
    }

    /// The counts in words.
    var notes: [String] {
        let words: [(Kind, String)] = [
            (.damaged, "damaged images left out"), (.missing, "missing images left out"),
            (.misnamed, "images whose ending is another format's"), (.duplicate, "images like one before"),
        ]
        return words.compactMap { kind, text in
            counts[kind].map { "\($0) \(text): see \(Self.fileName)" }
        }
    }

    /// Writes the report into a folder, if there is anything to say.
    func write(folder: String) throws(DatasetError) {
        guard !lines.isEmpty else { return }
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
