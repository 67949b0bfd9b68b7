import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast this machine computes.",
        discussion: "Random numbers in memory: no dataset is read, and nothing is written.",
        subcommands: [BenchStepCommand.self, BenchKernelsCommand.self])
}
