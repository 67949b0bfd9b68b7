internal import Checksums
internal import Cluster
internal import Datasets

/// The proof that an epoch has used every record of a set once, whatever ranks and jobs had a part in it.
struct EpochProof {
    /// The tally of a whole epoch.
    private let expected: RecordTally
    /// Where the set lies, for the error.
    private let place: String
    /// Of this rank since the ranks' were last added up.
    private var own = RecordTally()

    init(recordCount: Int, place: String) {
        expected = RecordTally(all: recordCount)
        self.place = place
    }

    /// Notes the records of a batch that was used.
    mutating func note(_ records: [Int]) {
        for record in records { own.add(record) }
    }

    /// Adds what all ranks have noted since the last time to `tally`, which every rank has alike; collective.
    ///
    /// - Parameter tally: The epoch's so far; `nil`, where it is not known, stays.
    mutating func gather(into tally: inout RecordTally?, _ communicator: any Communicator) throws {
        // In halves, so that no sum overflows.
        var parts = [Int64(own.count), Int64(own.hash & 0xFFFF_FFFF), Int64(own.hash >> 32)]
        var span = parts.mutableSpan
        try communicator.treeSum(&span)
        own = RecordTally()
        let hash = UInt64(parts[1]) &+ UInt64(parts[2]) << 32
        tally?.add(RecordTally(count: Int(parts[0]), hash: hash))
    }

    /// Refuses an epoch that has not used every record once.
    ///
    /// - Parameter tally: Of the whole epoch, the same on all ranks; `nil` where a part of it was not counted.
    func check(_ tally: RecordTally?, epoch: Int) throws(DatasetError) {
        guard let tally, tally != expected else { return }
        let reason =
            tally.count == expected.count
            ? """
            as many records were read as there are, \(tally.count), but not each one once (hash \(tally.hexadecimal), expected \
            \(expected.hexadecimal))
            """
            : "\(tally.count) records were read, expected \(expected.count)"
        throw DatasetError(
            action: "prove epoch \(epoch)", place: place, reason: reason,
            remedy: "check the dataset with 't2fnorm data verify', then go on from the last checkpoint")
    }
}
