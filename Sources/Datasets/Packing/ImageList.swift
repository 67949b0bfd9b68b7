internal import Checksums

/// OpenOOD's image lists: a line `path label` for each image, with the images in a folder or an archive.
///
/// A line is cut at its first space. The label is an integer, −1 out of distribution; a dictionary in its place, as in
/// OpenOOD's lists for MOS, counts as 0. Blank lines are passed over.
public struct ImageList: IndexedRecordSource {
    private struct Entry {
        var path: String
        var label: Int32
        var line: Int
    }

    /// The list's own path.
    public let path: String
    public let classNames: [String]
    /// CRC-64/XZ over the list's lines, 16 hexadecimal digits: blanks at their ends and blank lines do not count, line ends are LF.
    public let hash: String
    private let images: any FileTree
    private var entries: [Entry] = []
    private var index = 0

    public var origin: String { "\(path) with \(images.path)" }
    public var recordCount: Int { entries.count }
    public var identity: String { "\(hash) \(images.identity)" }

    /// Reads the list.
    ///
    /// - Parameters:
    ///   - path: The list.
    ///   - images: What the list's paths are relative to.
    ///   - classNames: If given, labels are checked against their number.
    /// - Throws: If the list cannot be read, is empty, or has a bad line, which is named.
    public init(_ path: String, images: any FileTree, classNames: [String] = []) throws(DatasetError) {
        let lines = try ReadableFile.contents(of: path)
            .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self).trimmingBlanks() }
        var check = CRC64()
        for line in lines where !line.isEmpty { check.update(Array("\(line)\n".utf8)) }
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

    public mutating func next() -> Record? {
        guard index < entries.count else { return nil }
        defer { index += 1 }
        return record(index)
    }

    public func record(_ index: Int) -> Record {
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

    /// How many of the images are not there.
    public var missingCount: Int { entries.count { !images.contains($0.path) } }

    private func parse(_ text: String, _ number: Int) throws(DatasetError) -> Entry {
        guard let space = text.firstIndex(of: " ") else {
            throw bad(number, "'\(text.prefix(100))' is no 'path label'")
        }
        let path = text[..<space]
        let label = text[space...].trimmingBlanks()
        if path.hasPrefix("/") {
            throw bad(number, "the path '\(path)' starts with '/', expected one relative to the images")
        }
        if label.hasPrefix("{") { return Entry(path: String(path), label: 0, line: number) }
        guard let value = Int32(label), value >= -1 else {
            throw bad(number, "the label is '\(label.prefix(100))', expected an integer from -1 up")
        }
        return Entry(path: String(path), label: value, line: number)
    }

    private func bad(_ line: Int, _ reason: String) -> DatasetError {
        DatasetError(action: "read image list", place: "\(path), line \(line)", reason: reason)
    }
}

extension StringProtocol {
    /// Without spaces, tabs and carriage returns at both ends.
    func trimmingBlanks() -> String {
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
        let rest = Array(utf8.drop(while: isBlank))
        let end = rest.lastIndex { !isBlank($0) } ?? -1
        return String(decoding: rest[..<(end + 1)], as: UTF8.self)
    }
}
