package import Datasets
internal import Files
internal import SystemPackage

/// The samples of uncompressed WebDataset shards, readable in any order, without unpacking.
///
/// A shard is a tar whose files are grouped by key: `key.jpg` (`.jpeg`, `.png`, `.webp`) with
/// `key.cls`, the label in decimal digits, or `key.json`, an object with the label under `label` or
/// `cls`. The samples follow the shards' order; there are no names of classes. `WebDatasetStream`
/// reads compressed shards.
package struct WebDatasetIndex: IndexedRecordSource {
    private struct Image {
        /// In the shard; the key if there is no image.
        var path: FilePath
        var shard: Int32
        /// −1 without a label.
        var label: Int32
        /// The header's offset in the shard.
        var offset: Int
        var byteCount: Int32
    }

    package let origin: String
    package let identity: String
    package let notes: [String]
    /// The largest label plus one; `nil` if the samples have no labels.
    package let classCount: Int?
    private let shards: [PooledFile]
    private let images: [Image]
    /// The errors of the samples that cannot be packed, by their index.
    private let problems: [Int: Record.Payload]
    private var index = 0

    package var recordCount: Int { images.count }

    /// Reads all headers and labels.
    ///
    /// - Parameters:
    ///   - shards: At least one.
    ///   - isLabelled: Whether the samples have labels; if not, each has −1.
    /// - Returns: `nil` if a shard is compressed, so that it must be read from front to back.
    /// - Throws: If a shard cannot be read or is cut off, a key occurs twice in it, or there is no
    ///   sample.
    package init?(_ shards: WebDatasetShards, isLabelled: Bool) throws(DatasetError) {
        var files: [PooledFile] = []
        for path in shards.paths {
            let file = try PooledFile(path)
            guard try file.isPlainTar() else { return nil }
            files.append(file)
        }
        var images: [Image] = []
        var problems: [Int: Record.Payload] = [:]
        var skipped = SkippedEntries()
        for (number, file) in files.enumerated() {
            var pass = try WebDatasetPass(file.path, readsLabels: isLabelled)
            while let sample = try pass.next(readsImage: false) {
                if let problem = sample.problem(isLabelled: isLabelled) { problems[images.count] = problem }
                images.append(
                    Image(
                        path: sample.path, shard: Int32(number), label: sample.number,
                        offset: sample.image?.offset ?? 0,
                        byteCount: Int32(clamping: sample.image?.byteCount ?? 0)))
            }
            skipped.add(pass.skipped)
        }
        guard !images.isEmpty else { throw shards.noSamples(skipped) }
        origin = shards.origin
        identity = shards.identity
        notes = skipped.notes
        classCount = isLabelled ? Int(images.map(\.label).max() ?? -1) + 1 : nil
        self.shards = files
        self.images = images
        self.problems = problems
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < images.count else { return nil }
        defer { index += 1 }
        return try record(index)
    }

    package func record(_ index: Int) throws(DatasetError) -> Record {
        let image = images[index]
        let shard = shards[Int(image.shard)]
        let place = WebDatasetSample.place(
            WebDatasetFile(image.path)?.key ?? image.path.bytes, in: shard.path)
        var record = Record(
            path: pathOfRecord(image.path, in: shard.location), label: image.label, place: place,
            payload: problems[index] ?? .encoded([]))
        guard problems[index] == nil else { return record }
        let byteCount = Int(image.byteCount)
        let start = try shard.withDescriptor { (descriptor) throws(DatasetError) in
            try tarContentStart(descriptor, at: image.offset, byteCount: byteCount, place: place)
        }
        if let start {
            record.payload = .encoded(try shard.read(at: start, count: byteCount))
        } else {
            record.payload = .damaged(
                DatasetError(action: "read image", place: place, reason: "it is a sparse file"))
        }
        return record
    }
}
