internal import CZlib

/// The entries of a zip archive without compression, as `torch.save` writes it.
///
/// Format: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3 (zip64). The central directory is
/// authoritative; a local header must have the same name. Refused with an error: encrypted entries,
/// reading a compressed entry (so nothing is ever inflated), names that leave the archive's folder,
/// entries that overlap each other or the directory, several disks, bytes after the end.
struct ZipArchive {
    struct Entry {
        var name: String
        /// Offset of the local header.
        var start: Int
        var byteCount: Int
        /// Compression method; 0 if the bytes are stored without compression.
        var method: Int
        /// Length in the archive in bytes.
        var packedByteCount: Int
        var checksum: UInt32
        /// The stored bytes; checked against `checksum` when they are read.
        var content: ArraySlice<UInt8>
    }

    /// More entries than any model has.
    static let entryLimit = 100_000

    let entries: [String: Entry]

    init(_ bytes: [UInt8]) throws(FormatError) {
        let directory = try Directory(bytes)
        var reader = ByteReader(
            bytes[..<directory.range.upperBound], at: directory.range.lowerBound, what: "the zip directory")
        var entries: [Entry] = []
        entries.reserveCapacity(directory.entryCount)
        for _ in 0..<directory.entryCount {
            var entry = try Self.readEntry(&reader)
            entry.content = try Self.content(of: entry, bytes[..<directory.range.lowerBound])
            entries.append(entry)
        }
        guard reader.position == directory.range.upperBound else {
            throw FormatError(
                "the zip directory holds more than the \(directory.entryCount) entries it announces")
        }
        try Self.checkOverlaps(entries)
        self.entries = try Self.named(entries)
    }

    /// The bytes of an entry, checked against their CRC-32.
    func content(_ name: String) throws(FormatError) -> ArraySlice<UInt8> {
        guard let entry = entries[name] else {
            throw FormatError("there is no '\(shown(name))' in the zip archive")
        }
        guard entry.method == 0, entry.packedByteCount == entry.byteCount else {
            throw FormatError(
                """
                zip entry '\(shown(name))' is compressed (method \(entry.method), \(entry.packedByteCount) to \(entry.byteCount) \
                bytes), expected stored bytes as torch.save writes them; unpack the archive, and pack it again with zip -0 -r
                """)
        }
        let checksum = crc32(of: entry.content)
        guard checksum == entry.checksum else {
            throw FormatError(
                """
                '\(shown(name))' does not match its CRC-32: the file is damaged, or was saved with \
                torch.serialization.set_crc32_options(False); save it again with the checksums on
                """)
        }
        return entry.content
    }
}

/// The CRC-32 of zip archives.
func crc32(of bytes: ArraySlice<UInt8>) -> UInt32 {
    var checksum: UInt = 0
    for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: 1 << 30) {
        let part = bytes[start..<min(bytes.endIndex, start + 1 << 30)]
        checksum = unsafe part.withUnsafeBufferPointer {
            unsafe CZlib.crc32(checksum, $0.baseAddress, uInt($0.count))
        }
    }
    return UInt32(truncatingIfNeeded: checksum)
}

// MARK: - End of the archive

extension ZipArchive {
    /// The byte range of the central directory.
    private struct Directory {
        var range: Range<Int>
        var entryCount: Int

        init(_ bytes: [UInt8]) throws(FormatError) {
            let end = try Self.findEnd(bytes)
            var reader = ByteReader(bytes[...], at: end + 4, what: "the end of the zip archive")
            let disks = try (reader.integer(2), reader.integer(2))
            let counts = try (reader.integer(2), reader.integer(2))
            var (size, start) = try (reader.integer(4), reader.integer(4))
            var entryCount = counts.1
            var limit = end
            var isOneDisk = disks == (0, 0) && counts.0 == counts.1
            if let long = try Self.zip64End(bytes, end: end) {
                (isOneDisk, entryCount, size, start, limit) = long
            }
            guard isOneDisk else { throw FormatError("the zip archive is one of several disks") }
            guard entryCount <= ZipArchive.entryLimit else {
                throw FormatError(
                    "the zip archive announces \(entryCount) entries, expected at most \(ZipArchive.entryLimit)"
                )
            }
            // No bytes may lie between the directory and the end records, so that no reader can see
            // another directory.
            guard size <= limit, start == limit - size else {
                throw FormatError(
                    "the zip directory has \(size) bytes at \(start) by its end record, which does not end at \(limit)"
                )
            }
            range = start..<start + size
            self.entryCount = entryCount
        }

        /// The offset of the end record, whose comment must reach to the end of the file.
        private static func findEnd(_ bytes: [UInt8]) throws(FormatError) -> Int {
            let last = bytes.count - 22
            for start in stride(from: last, through: max(0, last - 0xFFFF), by: -1)
            where bytes[start] == 0x50 && bytes[start + 1] == 0x4B && bytes[start + 2] == 5
                && bytes[start + 3] == 6
                && Int(bytes[start + 20]) | Int(bytes[start + 21]) << 8 == last - start
            {
                return start
            }
            throw FormatError("the zip archive has no end record: the file is cut off, or bytes follow it")
        }

        private static func zip64End(
            _ bytes: [UInt8], end: Int
        ) throws(FormatError) -> (isOneDisk: Bool, entryCount: Int, size: Int, start: Int, limit: Int)? {
            guard end >= 20 else { return nil }
            var locator = ByteReader(bytes[..<end], at: end - 20, what: "the zip64 end")
            guard try locator.integer(4) == 0x0706_4B50 else { return nil }
            let disk = try locator.integer(4)
            let start = try locator.size()
            var record = ByteReader(bytes[..<(end - 20)], at: start, what: "the zip64 end")
            guard try record.integer(4) == 0x0606_4B50, try record.size() == end - 20 - start - 12 else {
                throw FormatError("the zip64 end is not where the archive says")
            }
            _ = try record.take(4)
            let disks = try (record.integer(4), record.integer(4))
            let counts = try (record.size(), record.size())
            let size = try record.size()
            return (
                disk == 0 && disks == (0, 0) && counts.0 == counts.1, counts.1, size, try record.size(), start
            )
        }
    }
}

// MARK: - Entries

extension ZipArchive {
    private static func readEntry(_ reader: inout ByteReader) throws(FormatError) -> Entry {
        guard try reader.integer(4) == 0x0201_4B50 else {
            throw FormatError("the zip directory is damaged at byte \(reader.position - 4)")
        }
        _ = try reader.take(4)
        let (flags, method) = try (reader.integer(2), reader.integer(2))
        _ = try reader.take(4)
        let checksum = UInt32(try reader.integer(4))
        var (packed, size) = try (reader.integer(4), reader.integer(4))
        let nameCount = try reader.integer(2)
        let (extraCount, commentCount) = try (reader.integer(2), reader.integer(2))
        var disk = try reader.integer(2)
        _ = try reader.take(6)
        var start = try reader.integer(4)
        let name = try checkedName(try reader.take(nameCount))
        var extra = ByteReader(try reader.take(extraCount), what: "zip entry '\(shown(name))'")
        _ = try reader.take(commentCount)
        while extra.position < extra.bytes.endIndex {
            let (identifier, count) = try (extra.integer(2), extra.integer(2))
            let field = try extra.take(count)
            guard identifier == 1 else { continue }
            var long = ByteReader(field, what: "zip entry '\(shown(name))'")
            if size == 0xFFFF_FFFF { size = try long.size() }
            if packed == 0xFFFF_FFFF { packed = try long.size() }
            if start == 0xFFFF_FFFF { start = try long.size() }
            if disk == 0xFFFF { disk = try long.integer(4) }
        }
        guard flags & 0x2041 == 0 else { throw FormatError("zip entry '\(shown(name))' is encrypted") }
        guard disk == 0 else { throw FormatError("zip entry '\(shown(name))' is on another disk") }
        return Entry(
            name: name, start: start, byteCount: size, method: method, packedByteCount: packed,
            checksum: checksum, content: [])
    }

    /// Throws for a name that would leave the archive's folder if the entry were unpacked.
    private static func checkedName(_ bytes: ArraySlice<UInt8>) throws(FormatError) -> String {
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw FormatError("the name of a zip entry is not valid UTF-8")
        }
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isPlain =
            !name.isEmpty && name.utf8.allSatisfy { $0 >= 32 && $0 != UInt8(ascii: "\\") }
            && parts.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
        guard isPlain else {
            throw FormatError("zip entry '\(shown(name))' has a name that leaves the archive's folder")
        }
        return name
    }

    private static func content(
        of entry: Entry, _ bytes: ArraySlice<UInt8>
    ) throws(FormatError) -> ArraySlice<UInt8> {
        var reader = ByteReader(bytes, at: entry.start, what: "zip entry '\(shown(entry.name))'")
        guard try reader.integer(4) == 0x0403_4B50 else {
            throw FormatError("zip entry '\(shown(entry.name))' is not where the directory says")
        }
        _ = try reader.take(22)
        let (nameCount, extraCount) = try (reader.integer(2), reader.integer(2))
        guard try reader.take(nameCount).elementsEqual(entry.name.utf8) else {
            throw FormatError("zip entry '\(shown(entry.name))' has another name in its local header")
        }
        _ = try reader.take(extraCount)
        return try reader.take(entry.packedByteCount)
    }

    private static func checkOverlaps(_ entries: [Entry]) throws(FormatError) {
        let sorted = entries.sorted { $0.start < $1.start }
        for (entry, next) in zip(sorted, sorted.dropFirst()) where next.start < entry.content.endIndex {
            throw FormatError(
                "zip entries '\(shown(entry.name))' and '\(shown(next.name))' overlap: they share bytes of the file"
            )
        }
    }

    private static func named(_ entries: [Entry]) throws(FormatError) -> [String: Entry] {
        var named: [String: Entry] = [:]
        for entry in entries where named.updateValue(entry, forKey: entry.name) != nil {
            throw FormatError("zip entry '\(shown(entry.name))' occurs twice")
        }
        return named
    }
}
