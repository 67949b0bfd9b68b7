/// The images a run works on and how it reads them.
public struct DataConfiguration: Codable, Equatable, Sendable {
    /// The folder of the packed training set.
    public var train = ""
    /// The folder of the packed validation set, which picks the best checkpoint; empty for none.
    public var validation = ""
    /// The folder of the packed in-distribution test set; empty for none.
    public var test = ""
    public var transform = TransformConfiguration()
    /// How many records are shuffled among one another; 0 for all.
    public var window = 0
    /// How many batches are made ready ahead of the one in use.
    public var prefetch = 2

    public init() {}

    func validate() throws(ConfigurationError) {
        try check(!train.isEmpty, "data.train", train, "the folder of a packed dataset")
        try check(window >= 0, "data.window", window, "a number of records, or 0 for all")
        try check(
            (1...1024).contains(prefetch), "data.prefetch", prefetch, "a number of batches from 1 to 1024")
        try transform.validate()
    }
}
