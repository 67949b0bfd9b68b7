internal import Foundation

extension Communicator {
    /// The values of all ranks, rank 0 first, on every rank; collective. They are sent as JSON.
    ///
    /// - Throws: `JobFailure`, the same on all ranks, if a value cannot be encoded; `MPIError`; or
    ///   an error of decoding if the ranks run different programs.
    package func gatherValues<Value: Codable>(_ own: Value) throws -> [Value] {
        // JSON without indentation has no newline.
        let line = try together { Array(try JSONEncoder().encode(own)) + [UInt8(ascii: "\n")] }
        return try allGather(line.span).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Value.self, from: Data($0))
        }
    }

    /// The value that `body` gives on rank 0, on every rank; collective. It is sent as JSON.
    ///
    /// For values that each rank could find by itself, such as the contents of a folder, but that
    /// might then differ between ranks.
    ///
    /// - Throws: `JobFailure`, the same on all ranks, if `body` throws; `MPIError`.
    package func valueOfRankZero<Value: Codable>(_ body: () throws -> Value) throws -> Value {
        let bytes = try fromRankZero { Array(try JSONEncoder().encode(body())) }
        return try JSONDecoder().decode(Value.self, from: Data(bytes))
    }
}
