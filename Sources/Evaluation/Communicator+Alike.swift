package import Cluster
internal import Failures
internal import Foundation
internal import Training

extension Communicator {
    /// Throws if a rank has read a different value from a folder than rank 0, since the ranks would
    /// then diverge. Collective.
    ///
    /// - Parameters:
    ///   - value: The value that this rank has read.
    ///   - path: The folder, for the error message.
    package func checkAlike(_ value: String, of path: String) throws {
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

extension [UInt8] {
    /// The value decoded from these bytes as JSON.
    package func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(self))
    }
}
