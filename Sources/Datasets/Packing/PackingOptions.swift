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
    /// Stop after this many records; all if `nil`.
    public var limit: Int?
    /// Names in the order of their labels; the source's own if `nil`.
    public var classNames: [String]?
    /// The number of classes where there are no names; the source's own, or the largest label and one, if `nil`.
    public var classCount: Int?
    /// Records in a shard of pixels.
    public var recordsPerShard = 10_000
    /// Image bytes in an encoded shard; also about the memory that packing takes.
    public var bytesPerShard = 512 << 20
    /// About damaged images.
    public var onBad = Policy.stop
    /// About images that a list names and that are not there.
    public var onMissing = Policy.stop
    /// The split of a benchmark that the dataset is, for the manifest.
    public var benchmark: BenchmarkSplit?
    /// Whether a complete dataset that is already there is replaced.
    public var overwrite = false
    /// Threads that decode.
    public var threads = 1

    public init() {}
}
