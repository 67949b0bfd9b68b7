internal import Cluster
internal import Foundation

extension Communicator {
    /// Makes a value on rank 0 and broadcasts it as JSON; if `make` throws, all ranks throw its
    /// failure. Collective.
    ///
    /// - Parameter make: Called on rank 0.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    func valueFromRankZero<Value: Codable>(_ make: () throws -> Value) throws -> Value {
        let bytes = try fromRankZero { Array(try JSONEncoder().encode(try make())) }
        return try JSONDecoder().decode(Value.self, from: Data(bytes))
    }
}
