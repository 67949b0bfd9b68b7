internal import Checksums
internal import Cluster
internal import Datasets

/// Checks that an epoch uses every record of a set exactly once, over all ranks and jobs that take
/// part in it.
struct EpochCoverage {
    /// The multiset hash of a whole epoch.
    private let expected: MultisetHash
    /// Path of the set, for the error.
    private let place: String
    /// This rank's records since the last `gather`.
    private var own = MultisetHash()

    init(recordCount: Int, place: String) {
        expected = MultisetHash(all: recordCount)
        self.place = place
    }

    /// Adds the records of a batch that was used.
    mutating func note(_ records: [Int]) {
        for record in records { own.add(record) }
    }

    /// Adds the records of all ranks since the last call to `multisetHash`, which is the same on
    /// every rank; collective.
    ///
    /// - Parameter multisetHash: Hash of the epoch so far; `nil`, if it is unknown, stays `nil`.
    mutating func gather(into multisetHash: inout MultisetHash?, _ communicator: any Communicator) throws {
        // The hash is summed in two halves, so that no sum overflows.
        var parts = [Int64(own.count), Int64(own.hash & 0xFFFF_FFFF), Int64(own.hash >> 32)]
        var span = parts.mutableSpan
        try communicator.treeSum(&span)
        own = MultisetHash()
        let hash = UInt64(parts[1]) &+ UInt64(parts[2]) << 32
        multisetHash?.add(MultisetHash(count: Int(parts[0]), hash: hash))
    }

    /// Refuses an epoch that has not used every record once.
    ///
    /// - Parameter multisetHash: Hash of the whole epoch, the same on all ranks; `nil` if part of
    ///   the epoch was not counted.
    func check(_ multisetHash: MultisetHash?, epoch: Int) throws(DatasetError) {
        guard let multisetHash, multisetHash != expected else { return }
        let reason =
            multisetHash.count == expected.count
            ? """
            \(multisetHash.count) records were read, as many as there are, but not each exactly once (hash \
            \(multisetHash.hexadecimal), expected \(expected.hexadecimal))
            """
            : "\(multisetHash.count) records were read, expected \(expected.count)"
        throw DatasetError(
            action: "verify epoch \(epoch)", place: place, reason: reason,
            remedy: "check the dataset with 't2fnorm data verify', then resume from the last checkpoint")
    }
}
