/// The bytes of a pickle, read from the front.
struct PickleInput {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// Bytes read so far.
    var offset: Int { position - bytes.startIndex }

    mutating func byte() throws(PickleError) -> UInt8 {
        guard position < bytes.endIndex else { throw ended() }
        defer { position += 1 }
        return bytes[position]
    }

    /// The next bytes, as a slice of the pickle, without a copy.
    mutating func take(_ count: UInt64) throws(PickleError) -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.endIndex - position) else {
            throw PickleError(
                offset: offset,
                reason: "\(count) bytes are announced, \(bytes.endIndex - position) are left")
        }
        defer { position += Int(count) }
        return bytes[position..<position + Int(count)]
    }

    /// A little-endian integer.
    mutating func unsigned(byteCount: Int) throws(PickleError) -> UInt64 {
        try take(UInt64(byteCount)).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The text up to the end of the line, which is skipped.
    mutating func line() throws(PickleError) -> String {
        guard let line = String(validating: try lineBytes(), as: UTF8.self) else {
            throw PickleError(offset: offset, reason: "a line is not UTF-8")
        }
        return line
    }

    /// The bytes up to the end of the line, which is skipped.
    mutating func lineBytes() throws(PickleError) -> ArraySlice<UInt8> {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { throw ended() }
        defer { position = end + 1 }
        return bytes[position..<end]
    }

    private func ended() -> PickleError { PickleError(offset: offset, reason: "the pickle is cut off") }
}
