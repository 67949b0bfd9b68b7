internal import Foundation

/// How this process was started, read from the variables that launchers set.
package struct Environment: Equatable, Sendable {
    /// Whether a launcher started this process as one rank of a job.
    package let isLaunched: Bool
    /// The number of ranks that the launcher started; `nil` if the launcher does not say.
    package let launchedSize: Int?

    /// This process's rank according to the launcher; 0 if the launcher does not say.
    package let launchedRank: Int

    /// A single process that was started without a launcher.
    package static let alone = Environment(isLaunched: false, launchedSize: nil, launchedRank: 0)

    /// The environment of this process.
    package static func current() throws(LaunchError) -> Environment {
        try Environment(variables: ProcessInfo.processInfo.environment)
    }

    /// Reads the variables of `mpirun` (`OMPI_COMM_WORLD_SIZE`) and of PMI and PMIx, which `srun`
    /// sets too.
    ///
    /// - Throws: `LaunchError` if `srun` started several tasks without a process manager for MPI:
    ///   each task would run the whole job alone and overwrite the others' files.
    package init(variables: [String: String]) throws(LaunchError) {
        let taskCount = variables["SLURM_STEP_NUM_TASKS"].flatMap { Int($0) }
        isLaunched = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_FD"].contains {
            variables[$0] != nil
        }
        launchedSize =
            ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].compactMap { variables[$0].flatMap { Int($0) } }.first
            ?? (isLaunched ? taskCount : nil)
        launchedRank = Self.rank(variables)
        if let taskCount, taskCount > 1, !isLaunched {
            throw LaunchError(
                problem: "srun started \(taskCount) tasks without MPI",
                remedy: "start them with `srun --mpi=pmix`, or with `mpirun` inside the allocation")
        }
    }

    private init(isLaunched: Bool, launchedSize: Int?, launchedRank: Int) {
        self.isLaunched = isLaunched
        self.launchedSize = launchedSize
        self.launchedRank = launchedRank
    }

    /// The rank that the launcher gave this process; 0 if there is no launcher. It is known before
    /// MPI starts, and even if MPI cannot start.
    package static func rank(_ variables: [String: String]) -> Int {
        ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"]
            .compactMap { variables[$0].flatMap { Int($0) } }.first ?? 0
    }

    /// Seconds between mpirun's request to end and its SIGKILL; `nil` if mpirun did not start this
    /// process.
    ///
    /// mpirun passes its command-line parameters to the ranks' environment; parameters from its
    /// configuration files are not visible here.
    package static func secondsToKill(_ variables: [String: String]) -> Int? {
        guard variables["OMPI_COMM_WORLD_SIZE"] != nil else { return nil }
        return ["OMPI_MCA_odls_base_sigkill_timeout", "PRTE_MCA_odls_base_sigkill_timeout"]
            .compactMap { variables[$0].flatMap { Int($0) } }.first ?? 1
    }

    /// Refuses a world whose size differs from the number of ranks that the launcher started.
    ///
    /// The sizes differ if the launcher belongs to another MPI than the library: each rank is then
    /// a world of one.
    func check(worldSize: Int) throws(LaunchError) {
        guard let launchedSize, launchedSize != worldSize else { return }
        throw LaunchError(
            problem: "the launcher started \(launchedSize) ranks, but MPI sees \(worldSize)",
            remedy: "start the job with the `mpirun` of the Open MPI that this program was built with")
    }
}
