import ArgumentParser
import Detection
import Networks
import RunConfiguration

/// Where a run's configuration comes from.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long, parsing: .upToNextOption,
        help: ArgumentHelp(
            "YAML files; a later one changes what an earlier one says.", valueName: "file"))
    var config: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One setting on top of the files, such as 'optimizer.learningRate=0.05'; may be repeated.",
            valueName: "key=value"))
    var settings: [String] = []

    /// The validated configuration.
    func load() throws(ConfigurationError) -> RunConfiguration {
        try RunConfiguration.load(files: config, overrides: settings, names: .known)
    }
}

extension KnownNames {
    /// What this program can build.
    static let known = KnownNames(
        networks: NetworkName.allCases.map(\.rawValue), scores: ScoreName.allCases.map(\.rawValue),
        featureScores: ScoreName.ofFeatures.map(\.rawValue))
}
