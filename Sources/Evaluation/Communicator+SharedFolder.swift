package import Cluster
internal import Failures

extension Communicator {
    /// Throws if a rank has read a different value from a folder than rank 0, since the ranks would
    /// then diverge. Collective.
    ///
    /// - Parameters:
    ///   - value: The value that this rank has read.
    ///   - path: The folder, for the error message.
    package func checkSharedFolder(_ value: String, of path: String) throws {
        guard let other = try firstRankThatDiffers(in: value) else { return }
        let hosts = try hostNames()
        throw JobFailure(
            rank: 0, exitCode: ExitCode.environment,
            message: """
                rank \(other) (\(hosts[other])) reads another configuration or model from \(path) than rank 0 (\(hosts[0])): the folder \
                is not shared, or it changes; start all ranks in the same folder, on a file system that all hosts share
                """)
    }
}
