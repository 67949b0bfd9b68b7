internal import Foundation
internal import Workers

/// Packs a source of labelled images into a dataset's folder.
///
/// Everything is written into a folder beside the destination and renamed at the end, so a dataset is complete or
/// not there. A process that is killed leaves a folder `…​.partial-…` that may be deleted.
public struct Packer {
    private var source: any RecordSource
    private let name: String
    private let destination: String
    private let options: PackingOptions
    private let pool: WorkerPool

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
    /// - Parameter progress: Gets the number of records packed so far and of all.
    /// - Returns: The manifest, as it was written.
    /// - Throws: If the destination is taken, an image is damaged or of another size, a label is out of range, the
    ///   source is empty, or the disk refuses. Nothing is left behind then.
    public mutating func run(
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(DatasetError) -> Manifest {
        let place = try DatasetFolder(destination, overwrite: options.overwrite)
        do {
            let manifest = try writeRecords(folder: place.temporary, progress)
            try manifest.write(folder: place.temporary)
            try place.commit()
            return manifest
        } catch {
            place.discard()
            throw error
        }
    }

    private mutating func writeRecords(
        folder: String, _ progress: (_ done: Int, _ total: Int) -> Void
    ) throws(DatasetError) -> Manifest {
        let total = min(source.count, options.limit ?? .max)
        var labels = try LabelRule(source, options)
        var shards: [Manifest.Shard] = []
        var done = 0
        var records = try nextRecords(atMost: total)
        guard !records.isEmpty else {
            throw DatasetError(action: "pack", place: source.origin, reason: "it holds no records")
        }
        var images = try decode(records)
        let layout = chosenLayout(for: images[0])
        var shard = ShardWriter(layout: layout)
        while !records.isEmpty {
            for (record, image) in zip(records, images) {
                let bytes = try storedBytes(record, image, layout)
                if isFull(shard, layout, adding: bytes.count) {
                    shards.append(try shard.write(folder: folder, file: shardName(shards.count)))
                }
                shard.append(image: bytes, label: try labels.label(of: record), path: record.path)
            }
            done += records.count
            progress(done, total)
            records = try nextRecords(atMost: total - done)
            images = try decode(records)
        }
        shards.append(try shard.write(folder: folder, file: shardName(shards.count)))
        return Manifest(
            name: name, classNames: labels.classNames, classCount: labels.classCount, count: done,
            layout: layout, shards: shards, source: source.origin, notes: source.notes,
            created: Date.now.formatted(.iso8601))
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

    /// Decodes all images; the first damaged one, in the source's order, is the error.
    private func decode(_ records: [Record]) throws(DatasetError) -> [RGBImage] {
        var results = [Result<RGBImage, DatasetError>?](repeating: nil, count: records.count)
        var span = results.mutableSpan
        pool.split(&span, every: 1) { index, part in
            part[0] = Result { () throws(DatasetError) in try decoded(records[index]) }
        }
        var images: [RGBImage] = []
        for result in results {
            if let image = try result?.get() { images.append(image) }
        }
        return images
    }

    private func chosenLayout(for image: RGBImage) -> Manifest.Layout {
        let isSmall = max(image.width, image.height) <= 64
        return switch (options.layout, isSmall) {
        case (.pixels, _), (.automatic, true):
            .pixels(height: image.height, width: image.width, channels: 3)
        case (.encoded, _), (.automatic, false): .encoded
        }
    }

    private func storedBytes(
        _ record: Record, _ image: RGBImage, _ layout: Manifest.Layout
    ) throws(DatasetError) -> [UInt8] {
        switch (layout, record.payload) {
        case (.encoded, .encoded(let bytes)): return bytes
        case (.encoded, .pixels):
            throw DatasetError(
                action: "store encoded", place: record.place,
                reason: "the source holds pixels, no image files",
                remedy: "pack it with --layout pixels")
        case (.pixels(let height, let width, _), _):
            guard image.height == height, image.width == width else {
                throw DatasetError(
                    action: "store as pixels", place: record.place,
                    reason: "it is \(image.width)×\(image.height), the first image is \(width)×\(height)",
                    remedy: "pack the images with --layout encoded")
            }
            return image.bytes
        }
    }

    private func isFull(_ shard: ShardWriter, _ layout: Manifest.Layout, adding byteCount: Int) -> Bool {
        switch layout {
        case .pixels: shard.count >= options.recordsPerShard
        case .encoded: shard.count > 0 && shard.byteCount + byteCount > options.bytesPerShard
        }
    }
}

private func decoded(_ record: Record) throws(DatasetError) -> RGBImage {
    switch record.payload {
    case .pixels(let image): image
    case .encoded(let bytes): try RGBImage(decoding: bytes, place: record.place)
    }
}

private func shardName(_ index: Int) -> String {
    let digits = "\(index)"
    return "shard-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).h5"
}
