package import Datasets
internal import Foundation

/// The processes that pack a dataset together; all of them see its folder.
///
/// Every function is collective: all processes call it, in the same order.
package protocol PackingCrew: Sendable {
    /// This process's number, from 0.
    var rank: Int { get }
    /// The number of processes.
    var size: Int { get }

    /// Returns the bytes of process `root` in all processes.
    func broadcast(_ bytes: [UInt8], from root: Int) -> [UInt8]

    /// Returns the values of all processes in rank order; their number may differ between
    /// processes.
    func gather(_ values: [Int64]) -> [Int64]

    /// Announces that this process makes no collective call until `endAlone`; see `together`.
    func beginAlone()
    func endAlone()
}

/// A single process.
package struct PackingAlone: PackingCrew {
    package let rank = 0
    package let size = 1

    package init() {}

    package func broadcast(_ bytes: [UInt8], from root: Int) -> [UInt8] { bytes }

    package func gather(_ values: [Int64]) -> [Int64] { values }
}

extension PackingCrew {
    package func beginAlone() {}
    package func endAlone() {}

    /// Runs `body` in every process; if it throws in any of them, all throw the error of the lowest
    /// rank that failed.
    ///
    /// `body` makes no collective call, since it would wait for processes that may have failed.
    package func together<Result>(
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

    /// Returns the value of process 0 in all processes.
    func share<Value: Codable>(_ value: Value?) throws(DatasetError) -> Value {
        do {
            let bytes = broadcast(rank == 0 ? Array(try JSONEncoder().encode(value)) : [], from: 0)
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw DatasetError(
                action: "broadcast the packing plan", place: "process \(rank)", reason: "\(error)")
        }
    }
}
