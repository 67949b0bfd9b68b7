internal import Datasets
internal import Files
internal import Foundation

/// The description of one finished shard, kept until the whole dataset is finished.
struct PackedPart: Codable, Sendable {
    /// `nil` if all of the shard's records were left out.
    var shard: Manifest.Shard?
    /// The number of records of the source that were read for it.
    var readCount: Int
    var largestLabel: Int32
    var entries: [PackingReport.Entry] = []
    /// The error of the first record that was left out.
    var firstBad: DatasetError?
    /// The content keys of the packed records, as `ContentKey` writes them.
    var contents = Data()
}

/// A key of a packed image's content, to find duplicates.
struct ContentKey: Sendable {
    static let byteCount = 24

    /// CRC-64/XZ of the stored bytes.
    var checksum: UInt64
    var length: UInt32
    var label: Int32
    /// The record's index among those that were read.
    var position: Int

    init(checksum: UInt64, length: Int, label: Int32, position: Int) {
        self.checksum = checksum
        self.length = UInt32(clamping: length)
        self.label = label
        self.position = position
    }

    /// Decodes the bytes that `write` wrote.
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

    /// Two images count as equal if their byte counts and CRC-64 are equal. The probability of one
    /// false match among a million images is about 10⁻⁷.
    func hasContent(of other: ContentKey) -> Bool { checksum == other.checksum && length == other.length }
}
