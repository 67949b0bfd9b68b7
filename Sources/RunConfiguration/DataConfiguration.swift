/// The images a run works on and how it reads them.
public struct DataConfiguration: Codable, Equatable, Sendable {
    /// In which order an epoch uses the records.
    public enum Order: String, Choice {
        /// Another permutation in each epoch, drawn from the seed.
        case shuffled
        /// As they are stored, in every epoch: to compare with another trainer.
        case stored
    }

    /// The folder of the packed training set.
    public var train = ""
    /// The folder of the packed validation set, which picks the best checkpoint; empty for none.
    public var validation = ""
    /// The folder of the packed in-distribution test set; empty for none.
    public var test = ""
    public var transform = TransformConfiguration()
    /// In which order an epoch uses the records; part of the mathematics.
    public var order = Order.shuffled
    /// How many records are shuffled among one another, rounded up to whole blocks; 0 for all.
    public var window = 0
    /// How many consecutive records lie in one window whatever the order, such as a shard's; of no effect without a window.
    public var block = 1
    /// How many batches are made ready ahead of the one in use, at most.
    public var prefetch = 2
    /// How many bytes of images may be made ready ahead on each rank, at most; one batch always is.
    public var prefetchBytes = 268_435_456

    public init() {}

    func validate() throws(ConfigurationError) {
        try check(!train.isEmpty, "data.train", train, "the folder of a packed dataset")
        try check(
            counts.contains(window), "data.window", window, "a number of records below 2^40, or 0 for all")
        try check(
            block >= 1 && counts.contains(block) && (window == 0 || block <= window), "data.block", block,
            "a number of records from 1 to data.window (\(window == 0 ? "all" : "\(window)"))")
        try check(
            prefetchBytes >= 1 && prefetchBytes <= 1 << 50, "data.prefetchBytes", prefetchBytes,
            "a number of bytes from 1 to 2^50")
        try check(
            (1...1024).contains(prefetch), "data.prefetch", prefetch, "a number of batches from 1 to 1024")
        try transform.validate()
    }
}
