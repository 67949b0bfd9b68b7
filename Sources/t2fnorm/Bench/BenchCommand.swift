import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast this machine computes.",
        discussion:
            """
            step, kernels, allreduce, neighbors and scores use data in memory; data reads a packed dataset; only checkpoint writes files, and \
            it removes them.
            """,
        subcommands: [
            BenchStepCommand.self, BenchKernelsCommand.self, BenchDataCommand.self,
            BenchAllreduceCommand.self, BenchNeighborsCommand.self, BenchScoresCommand.self,
            BenchCheckpointCommand.self,
        ])
}
