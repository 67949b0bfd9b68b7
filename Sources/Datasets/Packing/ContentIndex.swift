/// The contents met so far, to find an image that is there twice.
///
/// Two images count as equal where their bytes' number and CRC-64 are: among a million of them a chance of some 10⁻⁷ to be wrong once.
struct ContentIndex {
    private struct Key: Hashable {
        var checksum: UInt64
        var byteCount: Int
    }

    private var first: [Key: (path: String, label: Int32)] = [:]

    /// Takes an image in.
    ///
    /// - Returns: What to say of it if there was one of the same content before.
    mutating func add(_ record: Record, checksum: UInt64, byteCount: Int) -> String? {
        let key = Key(checksum: checksum, byteCount: byteCount)
        guard let earlier = first[key] else {
            first[key] = (record.path, record.label)
            return nil
        }
        return "same content as \(earlier.path)"
            + (earlier.label == record.label
                ? "" : ", which has label \(earlier.label), this one \(record.label)")
    }
}
