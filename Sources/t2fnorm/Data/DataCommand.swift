import ArgumentParser

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Packs, synthesizes, verifies and inspects datasets.",
        discussion: """
            A dataset is a folder of HDF5 shards with a manifest.json, which is written last: a folder without one is not a \
            dataset.
            """,
        subcommands: [
            DataPackCommand.self, DataSynthesizeCommand.self, DataVerifyCommand.self, DataInspectCommand.self,
        ])
}
