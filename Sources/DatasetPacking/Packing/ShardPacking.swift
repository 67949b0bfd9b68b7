internal import Checksums
internal import Cluster
internal import Datasets
internal import SystemPackage
internal import Workers

/// One rank's part of the packing: every `worldSize`-th of the missing shards.
///
/// If the source can only be read from front to back, every rank reads it and skips the records
/// of the others.
struct ShardPacking {
    /// A record and the result of preparing it.
    private struct Item: Sendable {
        /// The record without its payload.
        var record: Record
        var image: PreparedImage
    }

    let plan: PackingPlan
    let options: PackingOptions
    let folder: PackingFolder
    let communicator: any Communicator
    let pool: WorkerPool
    let progressFile: SharedProgressFile
    /// The number of records read for each finished shard, by the shard's index.
    let resumed: [Int: Int]
    var reader: RecordReader
    private var readCount = 0

    init(
        plan: PackingPlan, options: PackingOptions, folder: PackingFolder,
        communicator: any Communicator, pool: WorkerPool, progressFile: SharedProgressFile,
        resumed: [Int: Int], reader: RecordReader
    ) {
        self.plan = plan
        self.options = options
        self.folder = folder
        self.communicator = communicator
        self.pool = pool
        self.progressFile = progressFile
        self.resumed = resumed
        self.reader = reader
    }

    /// Packs to the end, or until another rank has failed.
    ///
    /// - Returns: The number of shards of the whole dataset.
    mutating func run(_ progress: (Packer.Progress) -> Void) throws(DatasetError) -> Int {
        var (number, turn, start) = (0, 0, 0)
        while start < reader.bound {
            let count = min(plan.recordsPerShard, reader.bound - start)
            var isOwn = false
            if resumed[number] == nil {
                isOwn = turn % communicator.worldSize == communicator.rank
                turn += 1
            }
            let found =
                isOwn ? try packShard(number, start..<start + count, progress) : try reader.skip(count)
            guard let found else { return number }
            if found > 0 { number += 1 }
            if found < count { break }
            start += count
        }
        return number
    }

    /// - Returns: The number of records read, less than `range` at the end of the source; `nil` if
    ///   another rank has failed.
    private mutating func packShard(
        _ number: Int, _ range: Range<Int>, _ progress: (Packer.Progress) -> Void
    ) throws(DatasetError) -> Int? {
        var shard = ShardWriter(layout: plan.layout)
        var part = PackedPart(readCount: 0, largestLabel: -1)
        var names: [[String]] = []
        var labels = try LabelRule(reader.source, options)
        let (layout, change) = (plan.layout, ImageChange(options))
        // Enough records for all threads, few enough for the memory.
        let chunk = max(min(256, (32 << 20) / plan.byteCount), pool.threads)
        while part.readCount < range.count {
            let start = range.lowerBound + part.readCount
            let items = try reader.read(start, count: min(chunk, range.upperBound - start), on: pool) {
                record in
                Item(record: record.withoutPayload, image: PreparedImage(record, layout, change))
            }
            if items.isEmpty { break }
            for (offset, item) in items.enumerated() {
                names.append([item.record.path.text, item.record.place])
                guard let stored = try accept(item, at: start + offset, into: &part) else { continue }
                let label = try labels.label(of: item.record)
                ContentKey(
                    checksum: stored.checksum, length: stored.bytes.count, label: item.record.label,
                    position: start + offset
                ).write(to: &part.contents)
                shard.append(image: stored.bytes, label: label, path: item.record.path)
            }
            part.readCount += items.count
            readCount += items.count
            progressFile.write(readCount)
            guard report(progress) else { return nil }
        }
        guard part.readCount > 0 else { return 0 }
        part.largestLabel = labels.largest
        if shard.count > 0 {
            part.shard = try shard.write(folder: folder.dataset, file: folder.shardName(number))
        }
        try folder.write(part, names: names, number)
        return part.readCount
    }

    /// The bytes to store; `nil` for an image that is left out.
    private func accept(
        _ item: Item, at position: Int, into part: inout PackedPart
    ) throws(DatasetError) -> (bytes: [UInt8], checksum: UInt64)? {
        let entry = { (kind: PackingReport.Kind, cause: String) in
            PackingReport.Entry(
                position: position, kind: kind, path: item.record.path.text, place: item.record.place,
                cause: cause
            )
        }
        switch item.image {
        case .stored(let bytes, let checksum, let isMisnamed):
            if isMisnamed {
                part.entries.append(
                    entry(.misnamed, "its first bytes are of another format than its file extension"))
            }
            return (bytes, checksum)
        case .unfit(let error): throw error
        case .bad(let kind, var error):
            guard !error.isSystemFault else { throw error }
            guard (kind == .missing ? options.onMissing : options.onBad) == .skip else {
                error.remedy = error.remedy ?? "replace the image, or leave it out with --on-bad skip"
                throw error
            }
            part.firstBad = part.firstBad ?? error
            part.entries.append(entry(kind, error.reason))
            return nil
        }
    }

    /// - Returns: `false` if another rank has failed.
    private func report(_ progress: (Packer.Progress) -> Void) -> Bool {
        guard let read = progressFile.total() else { return false }
        let before = resumed.values.reduce(0, +)
        let fraction = reader.total.map { Double(before + read) / Double(max($0, 1)) }
        progress(
            Packer.Progress(
                done: before + read, resumed: before, total: reader.total,
                fraction: fraction ?? reader.source.fractionRead))
        return true
    }
}

extension Record {
    /// The record with an empty payload.
    var withoutPayload: Record {
        var record = self
        record.payload = .encoded([])
        return record
    }
}
