/// The images a run works on and how it reads them.
package struct DataConfiguration: Codable, Equatable, Sendable {
    /// The order of the records in an epoch.
    package enum Order: String, Choice {
        /// Another permutation in each epoch, drawn from the seed.
        case shuffled
        /// The stored order in every epoch, for comparison with another trainer.
        case stored
    }

    /// The folder of the packed training set.
    package var train = ""
    /// The folder of the packed validation set, which picks the best checkpoint; empty for none.
    package var validation = ""
    /// The folder of the packed in-distribution test set; empty for none.
    package var test = ""
    package var transform = TransformConfiguration()
    /// The order of the records in an epoch; changes what the run computes.
    package var order = Order.shuffled
    /// The size of the shuffle window in records, rounded up to whole blocks; 0 for all records.
    package var window = 0
    /// The number of consecutive records that always lie in one window, such as those of a shard;
    /// without effect if `window` is 0.
    package var block = 1
    /// The largest number of batches that are prefetched ahead of the one in use.
    package var prefetch = 2
    /// The largest number of bytes of images that each rank prefetches; one batch is always
    /// prefetched.
    package var prefetchBytes = 268_435_456

    package init() {}

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
