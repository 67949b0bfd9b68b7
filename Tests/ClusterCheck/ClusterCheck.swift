import CProcessorCheck
import Cluster
import Foundation

/// Runs one check of the collectives on all ranks; tests start it under `mpirun`.
///
/// Exits with 0 if the check holds; otherwise a rank prints the difference and exits with 1.
@main
enum ClusterCheck {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        // Ends this process as the check before `main` would on a processor without any feature.
        if arguments == ["processor"] { require_features(.max, 0) }
        do {
            let communicator = try connect(.current(), limits: limits(for: arguments.last))
            do {
                try run(arguments, on: communicator)
            } catch {
                communicator.abort(exitCode: 1) { complain("rank \(communicator.rank): \(error)") }
            }
        } catch {
            complain("\(error)")
            exit(6)
        }
    }

    private static func run(_ arguments: [String], on communicator: any Communicator) throws {
        switch arguments.first {
        case "sums": try checkSums(upTo: arguments.last == "small" ? 1000 : 300_007, on: communicator)
        case "strange": try checkStrangeSums(on: communicator)
        case "exchanges": try checkExchanges(on: communicator)
        case "reductions": try checkReductions(on: communicator)
        case "together": try failTogether(arguments[1], on: communicator)
        case "abort": try failAlone(arguments[1], on: communicator)
        case "truncated": try broadcastDifferentCounts(on: communicator)
        default: throw Difference("no such check: \(arguments.first ?? "none given")")
        }
        try communicator.finish()
    }

    /// `small` cuts every buffer into many messages, so that small counts run the code of large
    /// ones.
    private static func limits(for name: String?) -> TransferLimits {
        var limits = TransferLimits()
        if name == "small" {
            limits.wholeSumByteCount = 32
            limits.sumMessageByteCount = 40
            limits.messageByteCount = 56
        }
        return limits
    }
}

/// The difference between what a check found and what it expected.
struct Difference: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

func expect(_ holds: Bool, _ difference: @autoclosure () -> String) throws {
    if !holds { throw Difference(difference()) }
}

func complain(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}
