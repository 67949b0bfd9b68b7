internal import Datasets

/// The lines of a hand-written text file: UTF-8 with or without a byte order mark, with LF, CR or
/// CRLF line ends.
struct TextLines {
    /// The lines without blanks at both ends; empty lines are kept, so that an index plus one is
    /// the line number.
    let lines: [ArraySlice<UInt8>]

    /// - Throws: If the file cannot be read, is in another encoding, or is not text.
    init(_ path: String) throws(DatasetError) {
        try self.init(try ReadableFile.contents(of: path), place: path)
    }

    /// - Parameter place: For errors.
    init(_ bytes: [UInt8], place: String) throws(DatasetError) {
        let failure = { (reason: String, remedy: String) in
            DatasetError(action: "read text", place: place, reason: reason, remedy: remedy)
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw failure("it is UTF-16, expected UTF-8", "save it as UTF-8")
        }
        if let place = bytes.firstIndex(of: 0) {
            throw failure(
                "byte \(place) is zero, so it is not text", "give a text file, saved as UTF-8")
        }
        let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        var lines: [ArraySlice<UInt8>] = []
        var rest = bytes[(hasMark ? 3 : 0)...]
        while let end = rest.firstIndex(where: { $0 == 10 || $0 == 13 }) {
            lines.append(trimmed(rest[..<end]))
            let isPair = bytes[end] == 13 && end + 1 < bytes.count && bytes[end + 1] == 10
            rest = rest[(end + (isPair ? 2 : 1))...]
        }
        lines.append(trimmed(rest))
        self.lines = lines
    }
}

/// The line without spaces, tabs and form feeds at both ends.
func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let start = line.firstIndex { !isBlank($0) } ?? line.endIndex
    let end = line.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? start
    return line[start..<end]
}

/// A space, a horizontal or vertical tab, or a form feed.
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0B || byte == 0x0C }
