internal import Foundation

/// The processes that pack a dataset together, all of which see its folder.
///
/// Every function is collective: all processes call it, in the same order.
public protocol PackingCrew: Sendable {
    /// This process's number, from 0.
    var rank: Int { get }
    /// The number of processes.
    var size: Int { get }

    /// The bytes of process `root`, on all.
    func broadcast(_ bytes: [UInt8], from root: Int) -> [UInt8]

    /// The values of all processes, those of process 0 first; each gives as many as it likes.
    func gather(_ values: [Int64]) -> [Int64]

    /// Notes that this process calls neither until `endAlone`; see `together`.
    func beginAlone()
    func endAlone()
}

/// One process alone.
public struct PackingAlone: PackingCrew {
    public let rank = 0
    public let size = 1

    public init() {}

    public func broadcast(_ bytes: [UInt8], from root: Int) -> [UInt8] { bytes }

    public func gather(_ values: [Int64]) -> [Int64] { values }
}

extension PackingCrew {
    public func beginAlone() {}
    public func endAlone() {}

    /// Runs `body` in every process; where it throws in any of them, all throw the error of the first of those.
    ///
    /// Inside `body` a process calls nothing collective, since it would wait for others that may have failed.
    public func together<Result>(
        _ body: () throws(DatasetError) -> Result
    ) throws(DatasetError) -> Result {
        let outcome: Swift.Result<Result, DatasetError>
        beginAlone()
        do throws(DatasetError) {
            outcome = .success(try body())
        } catch {
            outcome = .failure(error)
        }
        endAlone()
        var own: [UInt8] = []
        if case .failure(let error) = outcome {
            own = (try? JSONEncoder().encode(error)).map(Array.init) ?? [0]
        }
        let failed = gather([own.isEmpty ? 0 : 1]).firstIndex(of: 1)
        if let failed {
            let bytes = broadcast(own, from: failed)
            throw (try? JSONDecoder().decode(DatasetError.self, from: Data(bytes)))
                ?? DatasetError(action: "pack", place: "process \(failed)", reason: "it failed")
        }
        return try outcome.get()
    }

    /// A value of process 0, on all.
    func share<Value: Codable>(_ value: Value?) throws(DatasetError) -> Value {
        do {
            let bytes = broadcast(rank == 0 ? Array(try JSONEncoder().encode(value)) : [], from: 0)
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw DatasetError(
                action: "share the plan of packing", place: "process \(rank)", reason: "\(error)")
        }
    }
}
