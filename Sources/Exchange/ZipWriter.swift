/// Writes a zip archive of uncompressed entries like `torch.save`: every entry's bytes begin at a
/// multiple of 64.
///
/// Format: PKWARE's APPNOTE 6.3.10, section 4.3. The archive is below 4 GB, so zip64 is not needed.
struct ZipWriter {
    /// The size limit in bytes of an archive and of an entry without zip64.
    static let limit = Int(UInt32.max) - 1

    private(set) var bytes: [UInt8] = []
    private var directory: [UInt8] = []
    private var count = 0

    /// - Parameter capacity: Estimated size of the archive in bytes.
    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    /// Adds an entry.
    ///
    /// - Precondition: The archive stays below `limit`, and there are fewer than 65,535 entries.
    mutating func add(_ name: String, _ content: [UInt8]) {
        let start = bytes.count
        let name = [UInt8](name.utf8)
        precondition(start + content.count < Self.limit && count < 0xFFFE, "a zip archive without zip64")
        // A private extra field aligns the bytes; its own header takes four bytes.
        let padding = (64 - (start + 30 + name.count + 4) % 64) % 64
        var common: [UInt8] = []
        // Version 2.0, UTF-8, stored, 1 January 1980.
        for field: UInt64 in [20, 0x0800, 0, 0, 0x21] { common.appendLittleEndian(field, byteCount: 2) }
        common.appendLittleEndian(UInt64(crc32(of: content[...])), byteCount: 4)
        common.appendLittleEndian(UInt64(content.count), byteCount: 4)
        common.appendLittleEndian(UInt64(content.count), byteCount: 4)
        common.appendLittleEndian(UInt64(name.count), byteCount: 2)

        bytes.appendLittleEndian(0x0403_4B50, byteCount: 4)
        bytes += common
        bytes.appendLittleEndian(UInt64(4 + padding), byteCount: 2)
        bytes += name
        // "FB" is the identifier of PyTorch's padding field.
        bytes += [0x46, 0x42]
        bytes.appendLittleEndian(UInt64(padding), byteCount: 2)
        bytes += [UInt8](repeating: 0x5A, count: padding)
        bytes += content

        directory.appendLittleEndian(0x0201_4B50, byteCount: 4)
        directory.appendLittleEndian(20, byteCount: 2)
        directory += common
        // No extra data, no comment, disk 0, no attributes.
        directory += [UInt8](repeating: 0, count: 12)
        directory.appendLittleEndian(UInt64(start), byteCount: 4)
        directory += name
        count += 1
    }

    /// The whole archive.
    consuming func finish() -> [UInt8] {
        let start = bytes.count
        bytes += directory
        bytes.appendLittleEndian(0x0605_4B50, byteCount: 4)
        bytes.appendLittleEndian(0, byteCount: 4)
        bytes.appendLittleEndian(UInt64(count), byteCount: 2)
        bytes.appendLittleEndian(UInt64(count), byteCount: 2)
        bytes.appendLittleEndian(UInt64(directory.count), byteCount: 4)
        bytes.appendLittleEndian(UInt64(start), byteCount: 4)
        bytes.appendLittleEndian(0, byteCount: 2)
        return bytes
    }
}
