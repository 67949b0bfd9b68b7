import Foundation
import TestSupport
import Testing

/// The check in its place: before all other code of a program.
@Suite(.timeLimit(.minutes(30)))
struct StartTests {
    /// The first rank of a host prints the line, whichever launcher started it; all ranks have the
    /// exit code.
    @Test(arguments: [
        [:], ["OMPI_COMM_WORLD_LOCAL_RANK": "0"], ["MPI_LOCALRANKID": "0"], ["PMI_LOCAL_RANK": "0"],
        ["SLURM_LOCALID": "0"], ["OMPI_COMM_WORLD_LOCAL_RANK": "0", "SLURM_LOCALID": "3"],
    ])
    func theFirstRankOfAHostSaysWhatIsMissing(variables: [String: String]) async throws {
        let outcome = try await start(variables)
        #expect(outcome.exitCode == 6)
        #expect(outcome.standardError.hasPrefix("t2fnorm: this build is for processors with sse3 ssse3"))
        #expect(outcome.standardError.hasSuffix("T2FNORM_CPU=x86-64\n"))
    }

    @Test(arguments: [
        ["OMPI_COMM_WORLD_LOCAL_RANK": "1"], ["MPI_LOCALRANKID": "12"], ["PMI_LOCAL_RANK": "2"],
        ["SLURM_LOCALID": "1"], ["OMPI_COMM_WORLD_LOCAL_RANK": "10", "SLURM_LOCALID": "0"],
    ])
    func theOthersAreQuiet(variables: [String: String]) async throws {
        let outcome = try await start(variables)
        #expect(outcome.exitCode == 6)
        #expect(outcome.standardError == "")
    }

    @Test(arguments: [1, 3]) func underMPIRunThereIsOneLine(ranks: Int) async throws {
        let outcome = try await Command.mpirun(ranks: ranks, "cluster-check", ["processor"]).run()
        #expect(outcome.exitCode == 6)
        let lines = outcome.standardError.split(separator: "\n").filter {
            $0.hasPrefix("t2fnorm: this build")
        }
        #expect(lines.count == 1)
    }

    private func start(_ variables: [String: String]) async throws -> Command.Outcome {
        let none = [
            "OMPI_COMM_WORLD_LOCAL_RANK": "", "MPI_LOCALRANKID": "", "PMI_LOCAL_RANK": "",
            "SLURM_LOCALID": "",
        ]
        return try await Command(
            Command.product("cluster-check"), ["processor"],
            environment: none.merging(variables) { _, new in new }
        ).run()
    }
}
