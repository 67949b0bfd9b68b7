import Cluster
import DatasetPacking
import Datasets
import Failures
import Foundation
import Training

/// The ranks of a job, for a packer.
///
/// An MPI error ends the job at once, since the ranks cannot agree on anything after it.
struct RankCrew: PackingCrew {
    let communicator: any Communicator

    init(_ communicator: any Communicator) { self.communicator = communicator }

    var rank: Int { communicator.rank }
    var size: Int { communicator.worldSize }

    func broadcast(_ bytes: [UInt8], from root: Int) -> [UInt8] {
        orAbort { try communicator.broadcast(bytes, from: root) }
    }

    func gather(_ values: [Int64]) -> [Int64] {
        orAbort { try communicator.allGather(values.span) }
    }

    func beginAlone() { communicator.beginAlone() }

    func endAlone() { communicator.endAlone() }

    private func orAbort<Result>(_ body: () throws -> Result) -> Result {
        do {
            return try body()
        } catch {
            let (code, message) = failureReport(of: error)
            communicator.abort(exitCode: code) { printError("t2fnorm: rank \(rank): \(message)") }
        }
    }
}
