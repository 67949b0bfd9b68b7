/// The records that an epoch has read: their count, and a hash of their indices that does not
/// depend on their order.
///
/// Partial hashes are added up over batches, ranks and jobs. A complete epoch's multiset hash
/// equals `MultisetHash(all: count)`; that of an epoch with omitted, repeated or confused records
/// does so with a probability of 2⁻⁶⁴.
package struct MultisetHash: Codable, Equatable, Sendable {
    /// The number of records; repeated ones count each time.
    package private(set) var count = 0
    /// The sum of a mixed number for each record, modulo 2⁶⁴.
    package private(set) var hash: UInt64 = 0

    package init() {}

    package init(count: Int, hash: UInt64) {
        self.count = count
        self.hash = hash
    }

    /// The multiset hash of records 0 to `count` − 1, each once; 1 ms for a million.
    package init(all count: Int) {
        for record in 0..<count { add(record) }
    }

    /// Adds one record.
    package mutating func add(_ record: Int) {
        count += 1
        hash &+= Self.mix(UInt64(truncatingIfNeeded: record))
    }

    /// Adds the records of another hash.
    package mutating func add(_ other: MultisetHash) {
        count += other.count
        hash &+= other.hash
    }

    /// The hash as 16 hexadecimal digits.
    package var hexadecimal: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// SplitMix64's output at an index: one-to-one, and without a pattern that sums could cancel.
    private static func mix(_ number: UInt64) -> UInt64 {
        splitMix64((number &+ 1) &* splitMix64Increment)
    }
}
