/// OpenOOD's image lists: a line `path label` for each image, with the images in a folder or an archive.
///
/// A line is cut at its first space. The label is an integer, −1 out of distribution; a dictionary in its place, as in
/// OpenOOD's lists for MOS, counts as 0. Blank lines are passed over.
public struct ImageList: RecordSource {
    private struct Entry {
        var path: String
        var label: Int32
        var line: Int
    }

    /// The list's own path.
    public let path: String
    public let classNames: [String]
    private let images: any FileTree
    private var entries: [Entry] = []
    private var index = 0

    public var origin: String { "\(path) with \(images.path)" }
    public var count: Int { entries.count }

    /// Reads the list.
    ///
    /// - Parameters:
    ///   - path: The list.
    ///   - images: What the list's paths are relative to.
    ///   - classNames: If given, labels are checked against their number.
    /// - Throws: If the list cannot be read, is empty, or has a bad line, which is named.
    public init(_ path: String, images: any FileTree, classNames: [String] = []) throws(DatasetError) {
        self.path = path
        self.images = images
        self.classNames = classNames
        let lines = try ReadableFile.contents(of: path).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            if let entry = try parse(line, index + 1) { entries.append(entry) }
        }
        guard !entries.isEmpty else {
            throw DatasetError(action: "read image list", place: path, reason: "it is empty")
        }
    }

    public mutating func next() throws(DatasetError) -> Record? {
        guard index < entries.count else { return nil }
        let entry = entries[index]
        index += 1
        let place = "\(path), line \(entry.line)"
        do {
            return Record(
                path: entry.path, label: entry.label, place: "\(place) (\(images.place(of: entry.path)))",
                payload: .encoded(try images.contents(of: entry.path)))
        } catch {
            throw DatasetError(
                action: "read image", place: place,
                reason: "\(images.place(of: entry.path)): \(error.reason)",
                remedy: "check that the list's paths are relative to \(images.path)")
        }
    }

    private func parse(_ line: ArraySlice<UInt8>, _ number: Int) throws(DatasetError) -> Entry? {
        let text = String(decoding: line, as: UTF8.self).trimmingBlanks()
        if text.isEmpty { return nil }
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
