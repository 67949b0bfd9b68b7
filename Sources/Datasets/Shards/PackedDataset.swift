package import SystemPackage

/// A dataset on disk: images with labels, accessed by record number from any thread.
///
/// A record costs one read, plus the decoding if images are stored encoded; nothing is cached.
public final class PackedDataset: ImageSource {
    /// The path of the folder, as given.
    package let path: String
    package let manifest: Manifest
    private let shards: [ShardReader]
    /// The number of each shard's first record.
    private let starts: [Int]

    /// Opens the dataset in a folder: reads the manifest and checks the size, labels and offsets of
    /// every shard; images are checked when they are read.
    ///
    /// - Parameter path: The folder that `t2fnorm data pack` wrote.
    /// - Throws: If a file is missing, cannot be read, or contradicts the manifest.
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

    /// Opens a shard and compares its contents with the manifest.
    static func open(
        _ shard: Manifest.Shard, of manifest: Manifest, in folder: String
    ) throws(DatasetError) -> ShardReader {
        let reader = try ShardReader(
            folder: folder, shard: shard, layout: manifest.layout, isChecked: manifest.recordChecksum != nil)
        let classes = 0..<Int32(clamping: manifest.classCount)
        // Without class names, an image list may leave images unlabelled (−1); with class names it
        // may not.
        let takesNone = manifest.classNames.isEmpty
        let strange = reader.labels.firstIndex { !classes.contains($0) && !(takesNone && $0 == -1) }
        guard let strange else { return reader }
        throw DatasetError(
            action: "open shard", place: reader.place(of: strange),
            reason: """
                its label is \(reader.labels[strange]), the manifest has \(manifest.classCount) classes\
                \(manifest.classCount > 0 ? "" : ", so every label must be -1")
                """,
            remedy: "copy or pack the dataset again")
    }

    /// The number of records.
    public var count: Int { manifest.count }

    /// The name in the manifest.
    public var name: String { manifest.name }

    /// Checksum of the shards' record counts and checksums, 16 hexadecimal digits; equal if records
    /// and shards are equal.
    package var fingerprint: String { manifest.fingerprint }

    /// The label of a record, in `0..<classes`; −1 for an image without a class, as in
    /// out-of-distribution sets.
    ///
    /// - Precondition: `record` is in `0..<count`.
    public func label(of record: Int) -> Int32 {
        let (shard, index) = locate(record)
        return shards[shard].labels[index]
    }

    /// Reads and decodes the image of a record, without any transform.
    ///
    /// - Returns: 8-bit RGB in the stored size; grey images have three equal channels.
    /// - Precondition: `record` is in `0..<count`.
    /// - Throws: If the record cannot be read or decoded, or its checksum does not match.
    public func image(of record: Int) throws(DatasetError) -> RGBImage {
        let (shard, index) = locate(record)
        return try shards[shard].image(of: index)
    }

    /// Reads the stored image of a record into a reusable workspace.
    package func load(_ record: Int, into workspace: ImageWorkspace) throws(DatasetError) -> Int {
        let (shard, index) = locate(record)
        try shards[shard].load(index, into: workspace)
        return starts[shard] + index
    }

    /// True for ImageNet-C's split of a benchmark.
    package var keepsSize: Bool { manifest.benchmark?.set == "imagenet_c" }

    /// The original path of a record's image; `nil` if images are stored as pixels, or if it cannot
    /// be read.
    package func path(of record: Int) -> FilePath? {
        let (shard, index) = locate(record)
        return (try? shards[shard].path(of: index)) ?? nil
    }

    /// Finds the shard of a record by bisection, and the record's index in that shard.
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
