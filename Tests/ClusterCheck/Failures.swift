import Cluster
import Failures
import Foundation

private struct Trouble: CodedError {
    let rank: Int

    var exitCode: Int32 { Int32(70 + rank) }
    var description: String { "trouble on rank \(rank)" }
}

private func ranks(_ list: String) -> [Int] { list.split(separator: ",").compactMap { Int($0) } }

/// The ranks in `list`, such as `1,3`, fail where all ranks can agree on the failure; all exit with
/// the code of the lowest.
func failTogether(_ list: String, on communicator: any Communicator) throws {
    let rank = communicator.rank
    do {
        let own = try communicator.together {
            if ranks(list).contains(rank) { throw Trouble(rank: rank) }
            return rank
        }
        try expect(ranks(list).isEmpty && own == rank, "no failure on rank \(rank)")
    } catch let failure as JobFailure {
        if rank == 0 { complain(failure.message) }
        try communicator.finish()
        exit(failure.exitCode)
    }
}

/// The ranks in `list` abort the job while the others wait for them in a barrier.
func failAlone(_ list: String, on communicator: any Communicator) throws {
    let rank = communicator.rank
    try communicator.barrier()
    if ranks(list).contains(rank) {
        communicator.abort(exitCode: Int32(70 + rank)) { complain("trouble on rank \(rank)") }
    }
    try communicator.barrier()
}

/// Rank 1 expects fewer values than rank 0 sends, which MPI refuses.
func broadcastDifferentCounts(on communicator: any Communicator) throws {
    var values = [Float](repeating: 0, count: communicator.rank == 1 ? 5 : 10)
    var span = values.mutableSpan
    try communicator.broadcast(&span, from: 0)
    try communicator.barrier()
}
