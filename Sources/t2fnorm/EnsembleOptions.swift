import ArgumentParser

/// `--ensemble`, an option of the commands that score.
struct EnsembleOptions: ParsableArguments {
    @Option(
        name: .customLong("ensemble"), parsing: .upToNextOption,
        help: ArgumentHelp(
            """
            Runs whose networks, of all seeds, the score 'ensemble' averages with the scored network; for the folder that contains the scored \
            seed, the other seeds.
            """, valueName: "run"))
    var folders: [String] = []
}
