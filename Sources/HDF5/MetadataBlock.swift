/// A block of bytes of an HDF5 file; nothing outside the block is read.
struct MetadataBlock {
    let bytes: ArraySlice<UInt8>
    let path: String

    var count: Int { bytes.count }

    func starts(with mark: [UInt8]) -> Bool { bytes.starts(with: mark) }

    /// An unsigned little-endian integer.
    ///
    /// - Throws: Also if it does not fit in `Int`, like the undefined address.
    func number(at offset: Int, _ byteCount: Int) throws(HDF5Error) -> Int {
        let value = try part(offset, count: byteCount).bytes.reversed().reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        guard let number = Int(exactly: value) else { throw error("an address or length is undefined") }
        return number
    }

    /// `count` bytes from `offset` on.
    func part(_ offset: Int, count: Int) throws(HDF5Error) -> MetadataBlock {
        guard offset >= 0, count >= 0, count <= bytes.count, offset <= bytes.count - count else {
            throw error("a header is cut off")
        }
        let start = bytes.startIndex + offset
        return MetadataBlock(bytes: bytes[start..<start + count], path: path)
    }

    /// The name from `offset` to the next zero byte.
    func name(at offset: Int) throws(HDF5Error) -> String {
        guard offset >= 0, offset < bytes.count else { throw error("a name lies outside of its heap") }
        let longest = 1024
        let name = bytes[(bytes.startIndex + offset)...].prefix(longest + 1).prefix { $0 != 0 }
        guard name.count <= longest else { throw error("a name is longer than \(longest) bytes") }
        return String(decoding: name, as: UTF8.self)
    }

    func error(_ reason: String) -> HDF5Error {
        HDF5Error(action: "open", file: path, reason: reason)
    }
}

/// One message of an object's header.
struct HeaderMessage {
    static let continuation = 0x10

    var type: Int
    var flags: Int
    var block: MetadataBlock

    /// Whether the message lies elsewhere, so that its block only contains the location.
    var isShared: Bool { flags & 2 != 0 }
}
