public import SystemPackage

/// A dataset on the disk: images with labels, by record number, from any thread.
///
/// A record costs one read and, where images are stored encoded, their decoding; nothing is cached.
public final class PackedDataset: ImageSource {
    /// The folder, as it was given.
    public let path: String
    public let manifest: Manifest
    private let shards: [ShardReader]
    /// The number of each shard's first record.
    private let starts: [Int]

    /// Opens the dataset in a folder: the manifest, every shard's size, labels and offsets; images are checked as they are read.
    public init(path: String) throws(DatasetError) {
        let manifest = try Manifest(folder: path)
        var shards: [ShardReader] = []
        var starts: [Int] = []
        var start = 0
        for shard in manifest.shards {
            shards.append(try Self.open(shard, of: manifest, in: path))
            starts.append(start)
            start += shard.count
        }
        self.path = path
        self.manifest = manifest
        self.shards = shards
        self.starts = starts
    }

    /// Opens a shard and compares what it holds with what the manifest says.
    static func open(
        _ shard: Manifest.Shard, of manifest: Manifest, in folder: String
    ) throws(DatasetError) -> ShardReader {
        let reader = try ShardReader(
            folder: folder, shard: shard, layout: manifest.layout, isChecked: manifest.recordChecksum != nil)
        let classes = 0..<Int32(clamping: manifest.classCount)
        // A list may leave images without a class; one with the classes' names may not.
        let takesNone = manifest.classNames.isEmpty
        let strange = reader.labels.firstIndex { !classes.contains($0) && !(takesNone && $0 == -1) }
        guard let strange else { return reader }
        throw DatasetError(
            action: "open shard", place: reader.place(of: strange),
            reason: """
                its label is \(reader.labels[strange]), the manifest has \(manifest.classCount) classes\
                \(manifest.classCount > 0 ? "" : ", so that every label is -1")
                """,
            remedy: "copy or pack the dataset again")
    }

    /// The number of records.
    public var count: Int { manifest.count }

    public var name: String { manifest.name }

    /// Equal for equal records in equal shards; 16 hexadecimal digits over the shards' checksums.
    public var fingerprint: String { manifest.fingerprint }

    /// The label of a record; −1 out of distribution.
    public func label(of record: Int) -> Int32 {
        let (shard, index) = locate(record)
        return shards[shard].labels[index]
    }

    /// Reads and decodes the image of a record.
    public func image(of record: Int) throws(DatasetError) -> RGBImage {
        let (shard, index) = locate(record)
        return try shards[shard].image(of: index)
    }

    /// Reads the image of a record, as it is stored, into memory that is used again.
    public func load(_ record: Int, into workspace: ImageWorkspace) throws(DatasetError) -> Int {
        let (shard, index) = locate(record)
        try shards[shard].load(index, into: workspace)
        return starts[shard] + index
    }

    /// True for ImageNet-C's split of a benchmark.
    public var keepsSize: Bool { manifest.benchmark?.set == "imagenet_c" }

    /// The path that a record's image came from; `nil` where images are stored as pixels, or if it cannot be read.
    public func path(of record: Int) -> FilePath? {
        let (shard, index) = locate(record)
        return (try? shards[shard].path(of: index)) ?? nil
    }

    /// The shard of a record, by bisection, and the record's number in it.
    private func locate(_ record: Int) -> (shard: Int, index: Int) {
        precondition(record >= 0 && record < count, "record \(record) of \(count)")
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= record { low = middle } else { high = middle }
        }
        return (low, record - starts[low])
    }
}
