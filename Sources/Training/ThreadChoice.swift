package import Cluster
internal import Foundation
package import RunConfiguration
internal import Workers

/// The number of worker threads of each rank: from a setting or the launcher, otherwise the number
/// of the rank's cores.
package struct ThreadChoice: Sendable {
    /// The environment variable with which `launch/train` sets the number of threads per rank.
    package static let variable = "T2FNORM_THREADS"

    /// This rank's share of its host's cores.
    private let share: ThreadShare
    /// The number that the launcher sets.
    private let launched: Int?
    /// The range of the ranks' numbers, if no setting gives one.
    private let range: ClosedRange<Int>

    /// What a rank sends the others.
    private struct Message: Codable {
        var host: String
        var topology: CPUTopology
    }

    /// The choice of a single process, or of the only one that works on its host.
    ///
    /// - Throws: If the launcher's variable is not a valid number of threads.
    package init() throws(ConfigurationError) {
        share = ThreadShare(of: 0, among: [.current()])
        launched = try Self.launched(ProcessInfo.processInfo.environment)
        let threads = launched ?? share.threads
        range = threads...threads
    }

    /// The choice of a rank, given the cores that all ranks of its host may use; collective.
    ///
    /// - Throws: `JobFailure`, the same on all ranks, if the launcher's variable is not a valid
    ///   number of threads on one of them; or `MPIError`.
    package init(_ communicator: any Communicator) throws {
        let launched = try communicator.together {
            try Self.launched(ProcessInfo.processInfo.environment)
        }
        let ranks = try communicator.gatherValues(
            Message(host: communicator.hostName, topology: .current()))
        let neighbors = ranks.indices.filter { ranks[$0].host == communicator.hostName }
        share = ThreadShare(
            of: neighbors.firstIndex(of: communicator.rank) ?? 0, among: neighbors.map { ranks[$0].topology })
        self.launched = launched
        let threads = launched ?? share.threads
        range = try communicator.minimum(threads)...communicator.maximum(threads)
    }

    /// Threads of this rank.
    ///
    /// - Parameter setting: The number from a setting; 0 to let the program choose.
    package func count(_ setting: Int) -> Int { setting > 0 ? setting : launched ?? share.threads }

    /// The ranks' numbers and the reason, such as
    /// `16 per rank (64 cores in the affinity mask, shared by 4 ranks; no CPU quota)`.
    ///
    /// - Parameter setting: As for `count`.
    package func description(_ setting: Int) -> String {
        let found = share.description
        if setting > 0 { return "\(setting) per rank (compute.threads; found: \(found))" }
        let number =
            range.count == 1
            ? "\(range.lowerBound) per rank" : "\(range.lowerBound) to \(range.upperBound) per rank"
        let reason = launched == nil ? "" : "\(Self.variable); found: "
        let place = range.count == 1 ? "" : "on rank 0 \(count(0)): "
        return "\(number) (\(place)\(reason)\(found))"
    }

    private static func launched(_ environment: [String: String]) throws(ConfigurationError) -> Int? {
        guard let text = environment[variable], !text.isEmpty else { return nil }
        guard let threads = Int(text), (1...4096).contains(threads) else {
            throw ConfigurationError(
                key: variable, found: "'\(text)'", expected: "a number of threads from 1 to 4096")
        }
        return threads
    }
}
