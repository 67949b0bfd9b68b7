/// How ranks cooperate.
package struct ClusterConfiguration: Codable, Equatable, Sendable {
    /// The implementation of the sum of gradients over ranks.
    package enum Reduction: String, Choice {
        /// The fixed tree: the same bits for every number of ranks.
        case tree
        /// The MPI library's all-reduce, for comparison: the bits depend on the number of ranks.
        case library
    }

    /// The implementation of the sum of gradients over ranks; changes what the run computes.
    package var reduction = Reduction.tree
    /// Bytes of gradients in a bucket, which is summed while the backward pass computes the next
    /// ones.
    package var bucketBytes = 8 << 20

    /// Steps between two comparisons of the ranks' parameters; 0 to compare only before each
    /// checkpoint.
    package var sentinelEvery = 100

    /// Whether ranks watch each other by heartbeats over UDP, and name a rank that blocks the job.
    package var watchdog = true

    package init() {}

    func validate() throws(ConfigurationError) {
        try check(
            bucketBytes >= 1 && counts.contains(bucketBytes), "cluster.bucketBytes", bucketBytes,
            "a number of bytes from 1, below 2^40")
        try check(
            counts.contains(sentinelEvery), "cluster.sentinelEvery", sentinelEvery,
            "a number of steps below 2^40, or 0 for only before each checkpoint")
    }
}
