import Foundation
import TestSupport
import Testing

/// Real ranks under `mpirun`; `cluster-check` compares the results and prints the differences.
@Suite(.slow, .serialized, .timeLimit(.minutes(30))) struct MPICommunicatorTests {
    @Test(arguments: [1, 2, 3, 4, 8]) func sumsHaveTheBitsOfOneRank(ranks: Int) async throws {
        try await holds("sums", ranks: ranks)
    }

    @Test(arguments: [2, 3, 4, 8]) func sumsInManyMessagesHaveTheBitsOfOneRank(ranks: Int) async throws {
        try await holds("sums", "small", ranks: ranks)
    }

    @Test(arguments: [2, 3, 4]) func sumsOfWhatIsNoNumberHaveTheSameBitsOnAllRanks(ranks: Int) async throws {
        try await holds("strange", ranks: ranks)
        try await holds("strange", "small", ranks: ranks)
    }

    @Test(arguments: [1, 2, 3, 4, 8]) func valuesReachAllRanks(ranks: Int) async throws {
        try await holds("exchanges", ranks: ranks)
    }

    @Test(arguments: [2, 3]) func valuesInManyMessagesReachAllRanks(ranks: Int) async throws {
        try await holds("exchanges", "small", ranks: ranks)
    }

    @Test(arguments: [1, 2, 3, 4]) func gradientsAreSummedBesideABackwardPass(ranks: Int) async throws {
        try await holds("reductions", ranks: ranks)
    }

    @Test func gradientsInManyMessagesAreSummedBesideABackwardPass() async throws {
        try await holds("reductions", "small", ranks: 4)
    }

    @Test(arguments: ["sums", "exchanges", "reductions"]) func oneRankNeedsNoLauncher(check: String)
        async throws
    {
        let outcome = try await Command(Command.product("cluster-check"), [check]).run()
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    }

    @Test(arguments: [("1,3", 71), ("0", 70), ("0,1,2,3", 70), ("3", 73)])
    func ranksThatAgreeOnAFailureExitWithTheLowestOnesCode(failing: String, code: Int) async throws {
        let outcome = try await Command.mpirun(ranks: 4, "cluster-check", ["together", failing]).run()
        #expect(outcome.exitCode == code)
        #expect(troubles(in: outcome) == ["trouble on rank \(code - 70)"])
    }

    @Test(arguments: [("2", 72), ("1,3", 71), ("0,1,2,3", 70)])
    func anAbortEndsAllRanksWithOneMessage(failing: String, code: Int) async throws {
        let outcome = try await Command.mpirun(ranks: 4, "cluster-check", ["abort", failing]).run()
        #expect(outcome.exitCode == code)
        #expect(troubles(in: outcome) == ["trouble on rank \(code - 70)"])
    }

    @Test func anErrorOfMPINamesTheCallAndTheRank() async throws {
        let outcome = try await Command.mpirun(
            ranks: 2, "cluster-check", ["truncated"],
            // Ranks that compare their collective calls would not reach the failing call.
            environment: ["T2FNORM_CHECK_COLLECTIVES": ""]
        ).run()
        #expect(outcome.exitCode == 1)
        #expect(outcome.standardError.contains("rank 1: MPI_Bcast failed on rank 1: MPI_ERR_TRUNCATE"))
    }

    @Test func aWorldOfAnotherSizeThanLaunchedIsRefused() async throws {
        // The process starts as under a launcher of another MPI: with the variables of that MPI,
        // and as a world of one for this MPI.
        let outcome = try await Command(
            Command.product("cluster-check"), ["sums"], environment: ["PMI_RANK": "0", "PMI_SIZE": "2"]
        ).run()
        #expect(outcome.exitCode == 6, "\(outcome.standardError)")
    }

    private func holds(_ check: String..., ranks: Int) async throws {
        let outcome = try await Command.mpirun(ranks: ranks, "cluster-check", check).run()
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        #expect(!outcome.isTimedOut)
    }

    private func troubles(in outcome: Command.Outcome) -> [String] {
        outcome.standardError.split(separator: "\n").map(String.init).filter { $0.hasPrefix("trouble") }
    }
}
