import Cluster
import Foundation
import Training

extension Communicator {
    /// Refuses to go on where ranks have read other things from a folder: they would not do the same. Collective.
    ///
    /// - Parameters:
    ///   - value: What this rank has read.
    ///   - path: Where.
    func checkAlike(_ value: String, of path: String) throws {
        guard let other = try firstRankThatDiffers(in: value) else { return }
        let hosts = try hostNames()
        throw JobFailure(
            rank: 0, exitCode: ExitCode.environment,
            message: """
                rank \(other) (\(hosts[other])) reads another configuration or model from \(path) than rank 0 (\(hosts[0])): the folder \
                is not shared, or changes; start all ranks in the same folder, on a file system that all hosts see
                """)
    }
}

extension [UInt8] {
    /// The value that this is the JSON of.
    func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(self))
    }
}
