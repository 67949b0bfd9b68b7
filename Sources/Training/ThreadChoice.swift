public import Cluster
internal import Foundation
public import RunConfiguration
internal import Workers

/// The worker threads of each rank: as a setting or the launcher says, else as many as the rank has cores.
public struct ThreadChoice: Sendable {
    /// The environment variable by which `launch/train` says how many threads a rank is to have.
    public static let variable = "T2FNORM_THREADS"

    /// What this rank's cores come to.
    private let share: ThreadShare
    /// What the launcher asks for.
    private let launched: Int?
    /// The ranks' numbers where no setting gives one.
    private let range: ClosedRange<Int>

    /// What a rank tells the others.
    private struct Message: Codable {
        var host: String
        var topology: CPUTopology
    }

    /// The choice of a process that is alone, or the only one of its host at work.
    ///
    /// - Throws: If the launcher's variable is no number of threads.
    public init() throws(ConfigurationError) {
        share = ThreadShare(of: 0, among: [.current()])
        launched = try Self.launched(ProcessInfo.processInfo.environment)
        let threads = launched ?? share.threads
        range = threads...threads
    }

    /// The choice of a rank, by what all ranks of its host may use; collective.
    ///
    /// - Throws: `JobFailure`, the same on all ranks, if the launcher's variable is no number of threads on one; or `MPIError`.
    public init(_ communicator: any Communicator) throws {
        let (own, launched) = try communicator.together(describe: failureReport) {
            let message = Message(host: communicator.hostName, topology: .current())
            return (
                try JSONEncoder().encode(message) + Data("\n".utf8),
                try Self.launched(ProcessInfo.processInfo.environment)
            )
        }
        let lines = try communicator.allGather(Array(own).span).split(separator: UInt8(ascii: "\n"))
        let ranks = try lines.map { try JSONDecoder().decode(Message.self, from: Data($0)) }
        let neighbors = ranks.indices.filter { ranks[$0].host == communicator.hostName }
        share = ThreadShare(
            of: neighbors.firstIndex(of: communicator.rank) ?? 0, among: neighbors.map { ranks[$0].topology })
        self.launched = launched
        let threads = launched ?? share.threads
        range = try communicator.minimum(threads)...communicator.maximum(threads)
    }

    /// Threads of this rank.
    ///
    /// - Parameter setting: What a setting asks for; 0 if it leaves the number to the program.
    public func count(_ setting: Int) -> Int { setting > 0 ? setting : launched ?? share.threads }

    /// The ranks' numbers and why, as `16 per rank (64 cores in the affinity mask, shared by 4 ranks; no CPU quota)`.
    ///
    /// - Parameter setting: As for `count`.
    public func description(_ setting: Int) -> String {
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
