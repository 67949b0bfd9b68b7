import Cluster
import Testing

@Suite(.timeLimit(.minutes(30)))
struct EnvironmentTests {
    @Test(
        arguments: [
            (["HOME": "/root"], false, nil),
            (["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "2"], true, 4),
            (["PMI_RANK": "0", "PMI_SIZE": "8"], true, 8),
            (["PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "2"], true, 2),
            (["PMIX_RANK": "0"], true, nil),
            (["SLURM_NTASKS": "8", "SLURM_JOB_ID": "1"], false, nil),
            (["SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "1"], false, nil),
        ] as [([String: String], Bool, Int?)])
    func isReadFromWhatLaunchersSet(
        variables: [String: String], isLaunched: Bool, launchedSize: Int?
    ) throws {
        let environment = try Environment(variables: variables)
        #expect(environment.isLaunched == isLaunched)
        #expect(environment.launchedSize == launchedSize)
    }

    @Test(
        arguments: [
            (["HOME": "/root"], 0), (["OMPI_COMM_WORLD_RANK": "2", "PMIX_RANK": "2"], 2),
            (["PMI_RANK": "3"], 3),
            (["SLURM_PROCID": "1"], 1),
        ] as [([String: String], Int)])
    func theRankIsKnownBeforeMPIStarts(variables: [String: String], rank: Int) {
        #expect(Environment.rank(variables) == rank)
    }

    @Test func severalTasksWithoutMPIAreRefusedWithTheRemedy() {
        let error = #expect(throws: LaunchError.self) {
            try Environment(variables: ["SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "1"])
        }
        #expect(
            error?.description == "srun started 3 tasks without MPI; start them with `srun --mpi=pmix`, "
                + "or with `mpirun` inside the allocation")
    }
}
