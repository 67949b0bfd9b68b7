internal import Foundation

extension Command {
    /// `mpirun` with `ranks` ranks of an executable of this package, also as root and on fewer
    /// cores than ranks.
    package static func mpirun(
        ranks: Int, _ product: String, _ arguments: [String] = [], environment: [String: String] = [:],
        timeLimit: Duration = .seconds(600)
    ) -> Command {
        let allowed = [
            "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_mpi_yield_when_idle": "1",
            // All ranks check that they call the same collective functions.
            "T2FNORM_CHECK_COLLECTIVES": "1",
        ]
        return Command(
            URL(fileURLWithPath: "/usr/bin/env"),
            [
                "mpirun", "-n", "\(ranks)", "--oversubscribe", "--bind-to", "none",
                Command.product(product).path,
            ]
                + arguments,
            environment: allowed.merging(environment) { _, new in new }, timeLimit: timeLimit)
    }
}
