package import Datasets

/// A random split of a dataset into parts, stratified by class.
///
/// The parts depend only on the labels, the shares and the seed.
package struct SetSplit: Sendable {
    /// The relative sizes of the parts, in any unit.
    package let shares: [Int]
    package let seed: UInt64
    /// The records of each part, in ascending order.
    package let records: [[Int]]

    /// - Parameters:
    ///   - shares: At least two, each at least 1.
    ///   - origin: For errors.
    /// - Throws: If a part would be empty.
    package init(
        of labels: [Int32], shares: [Int], seed: UInt64, origin: String
    ) throws(DatasetError) {
        precondition(
            shares.count > 1 && shares.allSatisfy { $0 > 0 },
            "shares are \(shares), expected at least two of at least 1")
        self.shares = shares
        self.seed = seed
        let classes = Dictionary(grouping: labels.indices) { labels[$0] }.sorted { $0.key < $1.key }
        var parts = [[Int]](repeating: [], count: shares.count)
        var seen = 0
        for (label, members) in classes {
            let order = shuffledOrder(
                of: members.count, seed: seed &+ UInt64(bitPattern: Int64(label)) &* 0x9E37_79B9_7F4A_7C15)
            var rest = order.map { members[Int($0)] }[...]
            let counts = Self.counts(members.count, shares, given: parts.map(\.count), seen)
            seen += members.count
            for (part, count) in counts.enumerated() {
                parts[part] += rest.prefix(count)
                rest = rest.dropFirst(count)
            }
        }
        if let empty = parts.firstIndex(where: \.isEmpty) {
            throw DatasetError(
                action: "split", place: origin,
                reason:
                    "part \(empty + 1) of \(shares.map(String.init).joined(separator: "/")) gets none of \(labels.count) images",
                remedy: "give it a larger share")
        }
        records = parts.map { $0.sorted() }
    }

    /// How many of a class's `count` members each part gets: its share, rounded down. Each
    /// remaining member goes to the part that is furthest below its share over all classes so far.
    private static func counts(_ count: Int, _ shares: [Int], given: [Int], _ seen: Int) -> [Int] {
        let total = shares.reduce(0, +)
        var counts = shares.map { count * $0 / total }
        while counts.reduce(0, +) < count {
            let behind = shares.indices.map { (seen + count) * shares[$0] - total * (given[$0] + counts[$0]) }
            let next = behind.indices.max { behind[$0] < behind[$1] || (behind[$0] == behind[$1] && $0 > $1) }
            counts[next ?? 0] += 1
        }
        return counts
    }
}

/// A subset of a source's records.
package struct RecordsPart: IndexedRecordSource {
    package let origin: String
    package let notes: [String]
    private let source: any IndexedRecordSource
    private let records: [Int]
    private var index = 0

    package var identity: String { source.identity }
    package var classNames: [String] { source.classNames }
    package var classCount: Int? { source.classCount }
    package var recordCount: Int { records.count }

    /// - Parameters:
    ///   - records: The indices of the records in the source.
    ///   - name: The part's name, for the manifest.
    package init(_ source: any IndexedRecordSource, _ records: [Int], name: String) {
        self.source = source
        self.records = records
        origin = "\(source.origin): \(name)"
        notes = source.notes
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < records.count else { return nil }
        defer { index += 1 }
        return try record(index)
    }

    package func record(_ index: Int) throws(DatasetError) -> Record { try source.record(records[index]) }
}
