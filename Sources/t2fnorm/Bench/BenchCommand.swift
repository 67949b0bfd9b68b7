import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast this machine computes.",
        discussion:
            """
            Steps, kernels, sums over ranks, nearest neighbours and scores take numbers in memory; data reads a packed dataset; checkpoint alone \
            writes, and leaves nothing.
            """,
        subcommands: [
            BenchStepCommand.self, BenchKernelsCommand.self, BenchDataCommand.self,
            BenchAllreduceCommand.self, BenchNeighborsCommand.self, BenchScoresCommand.self,
            BenchCheckpointCommand.self,
        ])
}
