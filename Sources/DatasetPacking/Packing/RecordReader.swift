internal import Datasets
internal import Kernels
internal import Numerics
internal import Workers

/// A source's records in packing order: the source's own order, or a random one.
struct RecordReader {
    private(set) var source: any RecordSource
    private let limit: Int
    private let shuffleSeed: UInt64?
    /// The records that the sample read from a source that can only be read once; they are packed
    /// first.
    private var ahead: [Record] = []
    private var order: [UInt32] = []

    init(_ source: any RecordSource, _ options: PackingOptions) {
        self.source = source
        limit = options.limit ?? .max
        shuffleSeed = options.shuffleSeed
        if let seed = options.shuffleSeed, let indexed = source as? any IndexedRecordSource {
            order = shuffledOrder(of: indexed.recordCount, seed: seed)
        }
    }

    /// The number of records to pack; `nil` if unknown.
    var total: Int? { source.count.map { min($0, limit) } }

    /// An upper bound of the number of records to pack.
    var bound: Int { total ?? limit }

    /// Some records to plan by: the first ones, and others spread over the source if it can be read
    /// in any order.
    ///
    /// - Throws: Also if a random order is requested and the source can only be read from front to
    ///   back.
    mutating func sample() throws(DatasetError) -> [Record] {
        var records: [Record] = []
        if let indexed = source as? any IndexedRecordSource {
            let count = min(indexed.recordCount, limit)
            let spread = (1..<57).map { $0 * count / 57 }
            for index in Array(0..<min(8, count)) + spread
            where index < count && (index >= 8 || records.count < 8) {
                records.append(try indexed.record(place(of: index)))
            }
            return records
        }
        guard shuffleSeed == nil else {
            throw DatasetError(
                action: "shuffle", place: source.origin,
                reason: "it is compressed and can only be read from front to back",
                remedy: "uncompress it, or pack it without --shuffle-seed")
        }
        while records.count < min(64, limit), let record = try source.next() { records.append(record) }
        ahead = records
        return records
    }

    /// Skips the next `count` records.
    ///
    /// - Returns: The number of records skipped.
    mutating func skip(_ count: Int) throws(DatasetError) -> Int {
        if let indexed = source as? any IndexedRecordSource { return min(count, indexed.recordCount) }
        let known = min(count, ahead.count)
        ahead.removeFirst(known)
        return known + (known < count ? try source.skip(count - known) : 0)
    }

    /// Records `start..<start + count`, each converted to a `Result` on one of the pool's threads.
    ///
    /// - Parameter start: The current position, if the source is read from front to back.
    /// - Returns: Fewer results at the source's end.
    mutating func read<Result: Sendable>(
        _ start: Int, count: Int, on pool: WorkerPool, _ body: @Sendable (Record) -> Result
    ) throws(DatasetError) -> [Result] {
        var results: [Swift.Result<Result, DatasetError>?]
        if let indexed = source as? any IndexedRecordSource {
            let (count, order) = (max(0, min(count, indexed.recordCount - start)), order)
            results = Array(repeating: nil, count: count)
            var span = results.mutableSpan
            pool.split(&span, every: 1) { index, result in
                let place = order.isEmpty ? start + index : Int(order[start + index])
                do throws(DatasetError) {
                    result[0] = .success(body(try indexed.record(place)))
                } catch {
                    result[0] = .failure(error)
                }
            }
        } else {
            var records: [Record] = []
            while records.count < count, let record = try next() { records.append(record) }
            let found = records
            results = Array(repeating: nil, count: found.count)
            var span = results.mutableSpan
            pool.split(&span, every: 1) { index, result in result[0] = .success(body(found[index])) }
        }
        var values: [Result] = []
        for case let result? in results { values.append(try result.get()) }
        return values
    }

    private mutating func next() throws(DatasetError) -> Record? {
        ahead.isEmpty ? try source.next() : ahead.removeFirst()
    }

    private func place(of index: Int) -> Int { order.isEmpty ? index : Int(order[index]) }
}

/// All numbers below `count` in a random order (Fisher and Yates), a function of the seed alone.
func shuffledOrder(of count: Int, seed: UInt64) -> [UInt32] {
    var order = Array(0..<UInt32(count))
    var stream = RandomStream(seed: seed, purpose: .order, -1, count)
    for last in stride(from: count - 1, to: 0, by: -1) {
        order.swapAt(last, stream.integer(below: last + 1))
    }
    return order
}
