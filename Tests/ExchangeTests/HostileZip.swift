import Foundation

/// A zip archive of stored entries in which every field may be wrong.
struct HostileZip {
    struct Entry {
        var name: String
        /// The name in the local header, if it differs.
        var localName: String?
        var content: [UInt8]
        var method = 0
        var flags = 0
        /// Size in the directory; the content's if `nil`. Likewise the next two.
        var size: Int?
        var packedSize: Int?
        var checksum: UInt32?
        /// Index of another entry whose offset the directory gives for this one.
        var startsAt: Int?
        var extra: [UInt8] = []
    }

    var entries: [Entry]
    /// Number of entries in the end record; the true number if `nil`.
    var count: Int?
    var disk = 0
    var directoryOffset = 0
    var tail: [UInt8] = []
    /// Whether sizes and offsets are in zip64 records, as in archives above 4 GB.
    var isLong = false
    /// Added to the offset of the zip64 end record.
    var longOffset = 0

    /// The archive of a pickle and storages with the names of `torch.save`.
    init(pickle: [UInt8], storages: [String: [UInt8]] = [:]) {
        entries = [Entry(name: "archive/data.pkl", content: pickle)]
        for (key, content) in storages.sorted(by: { $0.key < $1.key }) {
            entries.append(Entry(name: "archive/data/\(key)", content: content))
        }
    }

    init(_ entries: [Entry]) { self.entries = entries }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        var starts: [Int] = []
        for entry in entries {
            starts.append(bytes.count)
            let name = Array((entry.localName ?? entry.name).utf8)
            bytes += little(0x0403_4B50, 4) + fields(entry) + little(name.count, 2) + little(0, 2) + name
            bytes += entry.content
        }
        let start = bytes.count
        for (index, entry) in entries.enumerated() {
            let name = Array(entry.name.utf8)
            bytes += little(0x0201_4B50, 4) + little(20, 2) + fields(entry) + little(name.count, 2)
            let place = starts[entry.startsAt ?? index]
            let size = entry.size ?? entry.content.count
            let long = little(1, 2) + little(24, 2) + little(size, 8) + little(size, 8) + little(place, 8)
            let extra = isLong ? long : entry.extra
            bytes += little(extra.count, 2) + little(0, 2) + little(0, 2) + little(0, 6)
            bytes += little(isLong ? -1 : place, 4) + name + extra
        }
        let size = bytes.count - start
        if isLong {
            let end = bytes.count
            bytes += little(0x0606_4B50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8)
            bytes += little(entries.count, 8) + little(entries.count, 8) + little(size, 8) + little(start, 8)
            bytes += little(0x0706_4B50, 4) + little(0, 4) + little(end + longOffset, 8) + little(1, 4)
        }
        bytes += little(0x0605_4B50, 4) + little(disk, 2) + little(disk, 2)
        bytes += little(count ?? entries.count, 2) + little(count ?? entries.count, 2)
        bytes += little(size, 4) + little(start + directoryOffset, 4) + little(0, 2)
        return bytes + tail
    }

    /// The fields from the version to the sizes, the same in both headers.
    private func fields(_ entry: Entry) -> [UInt8] {
        let size = isLong ? -1 : entry.size ?? entry.content.count
        return little(20, 2) + little(entry.flags, 2) + little(entry.method, 2) + little(0, 4)
            + little(Int(entry.checksum ?? plainCRC32(entry.content)), 4)
            + little(entry.packedSize ?? size, 4) + little(size, 4)
    }
}

/// The lowest `count` bytes of a number in little-endian order.
func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// CRC-32 bit by bit (ISO 3309).
private func plainCRC32(_ bytes: [UInt8]) -> UInt32 {
    var checksum: UInt32 = ~0
    for byte in bytes {
        checksum ^= UInt32(byte)
        for _ in 0..<8 {
            checksum = checksum & 1 == 1 ? (checksum >> 1) ^ 0xEDB8_8320 : checksum >> 1
        }
    }
    return ~checksum
}
