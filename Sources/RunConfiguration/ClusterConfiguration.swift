/// How ranks work together.
public struct ClusterConfiguration: Codable, Equatable, Sendable {
    /// Who adds up gradients over ranks.
    public enum Reduction: String, Choice {
        /// The fixed tree: the same bits on every number of ranks.
        case tree
        /// The MPI library's own sum, for comparison: other bits on other numbers of ranks.
        case library
    }

    /// Who adds up gradients over ranks; part of the mathematics.
    public var reduction = Reduction.tree
    /// Bytes of gradients that are summed in one go while the backward pass makes the next ones.
    public var bucketBytes = 8 << 20

    /// Steps between two comparisons of the ranks' parameters; 0 for one before each checkpoint alone.
    public var sentinelEvery = 100

    /// Whether ranks watch each other by heartbeats over UDP, and name one that holds up the job.
    public var watchdog = true

    public init() {}

    func validate() throws(ConfigurationError) {
        try check(
            bucketBytes >= 1 && counts.contains(bucketBytes), "cluster.bucketBytes", bucketBytes,
            "a number of bytes from 1, below 2^40")
        try check(
            counts.contains(sentinelEvery), "cluster.sentinelEvery", sentinelEvery,
            "a number of steps below 2^40, or 0 for before each checkpoint alone")
    }
}
