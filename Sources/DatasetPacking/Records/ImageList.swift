internal import Checksums
package import Datasets
internal import SystemPackage

/// An image list of OpenOOD: a line `path label` for each image, with the images in a folder or an
/// archive.
///
/// A line is split at its first blank, or at its last if the path has blanks. The label is an
/// integer, −1 for out-of-distribution; a dictionary in its place, as in OpenOOD's lists for MOS,
/// counts as 0. Blank lines are skipped. Paths are normalised: `./a/0.jpg` and `a//0.jpg` become
/// `a/0.jpg`.
package struct ImageList: IndexedRecordSource, LabelledRecords {
    private struct Entry {
        var path: FilePath
        var label: Int32
        var line: Int
    }

    /// The list's own path.
    package let path: String
    package let classNames: [String]
    /// CRC-64/XZ of the list's lines in 16 hexadecimal digits, without blanks at both ends and
    /// blank lines, with LF as line end.
    package let hash: String
    private let images: any FileTree
    private var entries: [Entry] = []
    private var index = 0

    package var origin: String { "\(path) with \(images.path)" }
    package var recordCount: Int { entries.count }
    package var identity: String { "\(hash) \(images.identity)" }
    package var labels: [Int32] { entries.map(\.label) }

    /// Reads the list.
    ///
    /// - Parameters:
    ///   - path: The list.
    ///   - images: The folder or archive that the list's paths are relative to.
    ///   - classNames: If given, labels are checked against their number.
    /// - Throws: If the list cannot be read, is empty, or has a bad line, which is named.
    package init(_ path: String, images: any FileTree, classNames: [String] = []) throws(DatasetError) {
        let lines = try TextLines(path).lines
        var check = CRC64()
        for line in lines where !line.isEmpty { check.update(line + [UInt8(ascii: "\n")]) }
        self.path = path
        self.images = images
        self.classNames = classNames
        hash = check.hexadecimal
        for (index, line) in lines.enumerated() where !line.isEmpty {
            entries.append(try parse(line, index + 1))
        }
        guard !entries.isEmpty else {
            throw DatasetError(action: "read image list", place: path, reason: "it is empty")
        }
    }

    package mutating func next() -> Record? {
        guard index < entries.count else { return nil }
        defer { index += 1 }
        return record(index)
    }

    package func record(_ index: Int) -> Record {
        let entry = entries[index]
        let line = "\(path), line \(entry.line)"
        let place = images.place(of: entry.path)
        var payload = payload(of: entry.path, in: images)
        switch payload {
        case .missing(let error):
            payload = .missing(
                DatasetError(
                    action: "read image", place: line, reason: "\(place): \(error.reason)",
                    remedy: "check that the list's paths are relative to \(images.path)"))
        case .damaged(let error):
            payload = .damaged(
                DatasetError(action: "read image", place: line, reason: "\(place): \(error.reason)"))
        case .encoded, .pixels: break
        }
        return Record(path: entry.path, label: entry.label, place: "\(line) (\(place))", payload: payload)
    }

    /// The number of images that do not exist.
    package var missingCount: Int { entries.count { !images.contains($0.path) } }

    private func parse(_ line: ArraySlice<UInt8>, _ number: Int) throws(DatasetError) -> Entry {
        guard let first = line.firstIndex(where: isBlank), let last = line.lastIndex(where: isBlank) else {
            throw bad(number, "'\(words(line))' is not of the form 'path label'")
        }
        var (path, rest) = (line[..<first], trimmed(line[first...]))
        var label = Self.label(rest)
        if label == nil {
            let after = Self.label(line[(last + 1)...])
            if after != nil { (path, rest, label) = (trimmed(line[..<last]), line[(last + 1)...], after) }
        }
        guard let label, label >= -1 else {
            throw bad(number, "the label is '\(words(rest))', expected an integer from -1 up")
        }
        if path.first == UInt8(ascii: "/") {
            throw bad(
                number, "the path '\(words(path))' starts with '/', expected one relative to the images")
        }
        guard let path = FilePath(bytes: path)?.insideTree else {
            throw bad(number, "the path '\(words(path))' leads out of the images' folder")
        }
        return Entry(path: path, label: label, line: number)
    }

    /// The label in a text; `nil` if it is not a label.
    private static func label(_ text: ArraySlice<UInt8>) -> Int32? {
        text.first == UInt8(ascii: "{") ? 0 : Int32(wordsOf(Array(text)))
    }

    private func words(_ bytes: ArraySlice<UInt8>) -> String { wordsOf(Array(bytes.prefix(100))) }

    private func bad(_ line: Int, _ reason: String) -> DatasetError {
        DatasetError(action: "read image list", place: "\(path), line \(line)", reason: reason)
    }
}
