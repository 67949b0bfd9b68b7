internal import Foundation
internal import Workers

/// Packs a source of labelled images into a dataset's folder.
///
/// Everything is written into a folder beside the destination and renamed at the end, so a dataset is complete or
/// not there. A process that is killed leaves a folder `…​.partial-…` that may be deleted.
public struct Packer {
    /// How far the work has come.
    public struct Progress: Sendable {
        /// Records read so far.
        public var done: Int
        /// Records in all, where the source knows it.
        public var total: Int?
        /// From 0 to 1; `nil` where nobody knows.
        public var fraction: Double?
    }

    private var source: any RecordSource
    private let name: String
    private let destination: String
    private let options: PackingOptions
    private let pool: WorkerPool
    private var report = PackingReport()
    private var contents = ContentIndex()

    /// - Parameters:
    ///   - name: The dataset's name, for tables.
    ///   - destination: The dataset's folder; those above it are created.
    public init(
        source: any RecordSource, name: String, destination: String,
        options: PackingOptions = PackingOptions()
    ) {
        precondition(options.recordsPerShard >= 1 && options.bytesPerShard >= 1, "an empty shard")
        self.source = source
        self.name = name
        self.destination = destination
        self.options = options
        pool = WorkerPool(threads: options.threads)
    }

    /// Packs all records.
    ///
    /// What is to be known of single images (left out, misnamed, the same as one before) is listed in `report.csv`.
    ///
    /// - Returns: The manifest, as it was written.
    /// - Throws: If the destination is taken, an image is missing or damaged and not to be left out, or of another size, a label is
    ///   out of range, no image is left, or the disk refuses. Nothing is left behind then.
    public mutating func run(
        progress: (Progress) -> Void = { _ in }
    ) throws(DatasetError) -> Manifest {
        let place = try DatasetFolder(destination, overwrite: options.overwrite)
        do {
            let manifest = try writeRecords(folder: place.temporary, progress)
            try report.write(folder: place.temporary)
            try manifest.write(folder: place.temporary)
            try place.commit()
            return manifest
        } catch {
            place.discard()
            throw error
        }
    }

    private mutating func writeRecords(
        folder: String, _ progress: (Progress) -> Void
    ) throws(DatasetError) -> Manifest {
        let limit = options.limit ?? .max
        let total = source.count.map { min($0, limit) }
        var labels = try LabelRule(source, options)
        var shards: [Manifest.Shard] = []
        var shard: ShardWriter?
        var layout: Manifest.Layout?
        var (read, packed) = (0, 0)
        var firstBad: DatasetError?
        while true {
            let records = try nextRecords(atMost: limit - read)
            if records.isEmpty { break }
            layout = layout ?? chosenLayout(records)
            for (record, image) in zip(records, prepare(records, layout)) {
                guard let stored = try accepted(image, of: record, &firstBad), let layout else { continue }
                // Changed in place: a copy of the writer would copy all of its bytes.
                if shard == nil { shard = ShardWriter(layout: layout) }
                if let count = shard?.count, let byteCount = shard?.byteCount,
                    isFull(count, byteCount, layout, adding: stored.count),
                    let full = try shard?.write(folder: folder, file: shardName(shards.count))
                {
                    shards.append(full)
                }
                let label = try labels.label(of: record)
                shard?.append(image: stored, label: label, path: record.path)
                packed += 1
            }
            read += records.count
            progress(
                Progress(
                    done: read, total: total,
                    fraction: total.map { Double(read) / Double(max($0, 1)) } ?? source.fractionRead))
        }
        guard var last = shard.take(), let layout else {
            throw firstBad.map { none(of: read, first: $0) }
                ?? DatasetError(action: "pack", place: source.origin, reason: "it holds no records")
        }
        shards.append(try last.write(folder: folder, file: shardName(shards.count)))
        return Manifest(
            name: name, classNames: labels.classNames, classCount: labels.classCount, count: packed,
            layout: layout, shards: shards, source: source.origin, notes: source.notes + report.notes,
            benchmark: options.benchmark, created: Date.now.formatted(.iso8601))
    }

    /// As many records as are decoded at a time: enough for all threads, few enough for the memory.
    private mutating func nextRecords(atMost limit: Int) throws(DatasetError) -> [Record] {
        var records: [Record] = []
        var byteCount = 0
        while records.count < min(limit, 256), byteCount < 32 << 20, let record = try source.next() {
            if case .encoded(let bytes) = record.payload { byteCount += bytes.count }
            records.append(record)
        }
        return records
    }

    /// Decodes all images, on all threads.
    private func prepare(_ records: [Record], _ layout: Manifest.Layout?) -> [PreparedImage] {
        var results = [PreparedImage?](repeating: nil, count: records.count)
        var span = results.mutableSpan
        pool.split(&span, every: 1) { index, part in part[0] = PreparedImage(records[index], layout) }
        return results.compactMap { $0 }
    }

    /// The bytes to store; `nil` for an image that is left out.
    private mutating func accepted(
        _ image: PreparedImage, of record: Record, _ firstBad: inout DatasetError?
    ) throws(DatasetError) -> [UInt8]? {
        switch image {
        case .stored(let bytes, let checksum, let isMisnamed):
            if isMisnamed {
                report.add(.misnamed, record, cause: "its first bytes are of another format than its ending")
            }
            if let cause = contents.add(record, checksum: checksum, byteCount: bytes.count) {
                report.add(.duplicate, record, cause: cause)
            }
            return bytes
        case .unfit(let error): throw error
        case .bad(let kind, var error):
            guard (kind == .missing ? options.onMissing : options.onBad) == .skip else {
                error.remedy = error.remedy ?? "replace the image, or leave it out with --on-bad skip"
                throw error
            }
            firstBad = firstBad ?? error
            report.add(kind, record, cause: error.reason)
            return nil
        }
    }

    /// By the first image that can be decoded; `nil` if there is none.
    private func chosenLayout(_ records: [Record]) -> Manifest.Layout? {
        for record in records {
            guard let image = try? RGBImage(record) else { continue }
            let isSmall = max(image.width, image.height) <= 64
            return switch (options.layout, isSmall) {
            case (.pixels, _), (.automatic, true):
                .pixels(height: image.height, width: image.width, channels: 3)
            case (.encoded, _), (.automatic, false): .encoded
            }
        }
        return nil
    }

    private func none(of count: Int, first: DatasetError) -> DatasetError {
        DatasetError(
            action: "pack", place: source.origin,
            reason: "none of \(count) images could be read; the first, \(first.place): \(first.reason)")
    }

    private func isFull(
        _ count: Int, _ byteCount: Int, _ layout: Manifest.Layout, adding more: Int
    ) -> Bool {
        switch layout {
        case .pixels: count >= options.recordsPerShard
        case .encoded: count > 0 && byteCount + more > options.bytesPerShard
        }
    }
}

private func shardName(_ index: Int) -> String {
    let digits = "\(index)"
    return "shard-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).h5"
}
