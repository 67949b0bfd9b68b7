package import Cluster
package import Inference
package import Workers

/// The confidences of one score for several settings, computed at the cost of one.
package protocol GridScore {
    /// The confidences of the rank's shard of a set, one array for each of the settings.
    /// Collective.
    func confidences(
        of shard: FeatureShard, on communicator: any Communicator, pool: WorkerPool
    ) throws(MPIError) -> [[Double]]
}
