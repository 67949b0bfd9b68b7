internal import Files
internal import Foundation

/// What is known of one finished shard, kept beside it until the whole dataset is.
struct PackedPart: Codable, Sendable {
    /// `nil` where all of the shard's records were left out.
    var shard: Manifest.Shard?
    /// Records of the source that were read for it.
    var readCount: Int
    var largestLabel: Int32
    var entries: [PackingReport.Entry] = []
    /// Why the first of those that were left out was.
    var firstBad: DatasetError?
    /// The contents of the packed records, as `ContentKey` writes them.
    var contents = Data()
}

/// What tells one packed image from another.
struct ContentKey: Sendable {
    static let byteCount = 24

    /// CRC-64/XZ of the bytes that are stored.
    var checksum: UInt64
    var length: UInt32
    var label: Int32
    /// The record's number among those that were read.
    var position: Int

    init(checksum: UInt64, length: Int, label: Int32, position: Int) {
        self.checksum = checksum
        self.length = UInt32(clamping: length)
        self.label = label
        self.position = position
    }

    /// Reads what `write` wrote.
    init(_ bytes: ArraySlice<UInt8>) {
        let number = { (from: Int, count: Int) in
            bytes.dropFirst(from).prefix(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        checksum = number(0, 8)
        length = UInt32(truncatingIfNeeded: number(8, 4))
        label = Int32(truncatingIfNeeded: number(12, 4))
        position = Int(truncatingIfNeeded: number(16, 8))
    }

    func write(to data: inout Data) {
        for (value, count) in [
            (checksum, 8), (UInt64(length), 4), (UInt64(truncatingIfNeeded: label), 4),
            (UInt64(truncatingIfNeeded: position), 8),
        ] {
            for byte in 0..<count { data.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte)))) }
        }
    }

    /// Two images count as equal where their bytes' number and CRC-64 are: among a million of them a chance of some 10⁻⁷ to be
    /// wrong once.
    func hasContent(of other: ContentKey) -> Bool { checksum == other.checksum && length == other.length }
}
