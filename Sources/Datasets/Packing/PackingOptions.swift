/// How a source is packed.
public struct PackingOptions: Sendable {
    public enum Layout: String, Sendable, CaseIterable {
        /// Pixels if the first image is at most 64×64, else encoded.
        case automatic = "auto"
        /// Decoded, all of one size.
        case pixels
        /// As the files they are; each is decoded once to see that it is whole.
        case encoded
    }

    /// What is done about an image that cannot be packed.
    public enum Policy: String, Sendable, CaseIterable {
        /// Packing ends with the image's path and what is wrong with it.
        case stop
        /// The image is left out, and listed in the dataset's `report.csv`.
        case skip
    }

    public var layout = Layout.automatic
    /// Whether all labels become −1 and class names are dropped.
    public var outOfDistribution = false
    /// Stop after this many records, in the order they are packed in; all if `nil`.
    public var limit: Int?
    /// Packs the records in a random order of this seed; in the source's own if `nil`.
    public var shuffleSeed: UInt64?
    /// Images with a longer shorter side are shrunk to this one, and stored as JPEG in an encoded dataset; none if `nil`.
    public var resizeShorter: Int?
    /// Whether every image is made a JPEG file, also one that is not shrunk: then sets of other origin have the artefacts that JPEG copies
    /// have. Pixels are stored as decoded from it.
    public var recompresses = false
    /// Of these JPEG files and those of shrunk images, 1...100.
    public var quality = 95
    /// Names in the order of their labels; the source's own if `nil`.
    public var classNames: [String]?
    /// The number of classes where there are no names; the source's own, or the largest label and one, if `nil`.
    public var classCount: Int?
    /// Records of the source in a shard; images that are left out are missing from it. If `nil`, about `bytesPerShard`
    /// make one, and at most 10,000 records.
    public var recordsPerShard: Int?
    /// Image bytes in a shard, about; each process that packs has one shard in memory.
    public var bytesPerShard = 128 << 20
    /// About damaged images.
    public var onBad = Policy.stop
    /// About images that a list names and that are not there.
    public var onMissing = Policy.stop
    /// The split of a benchmark that the dataset is, for the manifest.
    public var benchmark: BenchmarkSplit?
    /// Whether a complete dataset that is already there is replaced.
    public var overwrite = false
    /// Whether packing that was interrupted begins anew instead of going on.
    public var restart = false
    /// Threads that read and decode, in each process.
    public var threads = 1

    public init() {}
}
