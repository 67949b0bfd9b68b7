import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast this machine computes.",
        discussion:
            "Steps, kernels and sums over ranks take numbers in memory; data reads a packed dataset. Nothing is written.",
        subcommands: [
            BenchStepCommand.self, BenchKernelsCommand.self, BenchDataCommand.self,
            BenchAllreduceCommand.self,
        ])
}
