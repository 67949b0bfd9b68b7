/// Reads little-endian numbers and byte ranges of a file in order, with bounds checks.
struct ByteReader {
    let bytes: ArraySlice<UInt8>
    private(set) var position: Int
    /// Name of the content, for errors.
    let what: String

    init(_ bytes: ArraySlice<UInt8>, at position: Int? = nil, what: String) {
        self.bytes = bytes
        self.position = position ?? bytes.startIndex
        self.what = what
    }

    mutating func take(_ count: Int) throws(FormatError) -> ArraySlice<UInt8> {
        guard position >= bytes.startIndex, position <= bytes.endIndex, count >= 0,
            count <= bytes.endIndex - position
        else {
            throw FormatError("\(what) is cut off: \(count) bytes are announced at byte \(position)")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Reads a number of `byteCount` bytes, at most 8.
    mutating func unsigned(_ byteCount: Int) throws(FormatError) -> UInt64 {
        try take(byteCount).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads a number of at most four bytes.
    mutating func integer(_ byteCount: Int) throws(FormatError) -> Int {
        Int(try unsigned(byteCount))
    }

    /// Reads a number of eight bytes that must be a size or an offset in a file.
    mutating func size() throws(FormatError) -> Int {
        let number = try unsigned(8)
        guard let size = Int(exactly: number) else {
            throw FormatError("\(what) announces \(number) bytes, which is not a valid size")
        }
        return size
    }
}
