import ArgumentParser
import Cluster
import Detection
import Evaluation
import Foundation
import Networks
import RunConfiguration
import Synchronization

/// Where a run's configuration comes from.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long, parsing: .upToNextOption,
        help: ArgumentHelp(
            "YAML files; a later file overrides an earlier one.", valueName: "file"))
    var config: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One setting on top of the files, such as 'optimizer.learningRate=0.05'; may be repeated.",
            valueName: "key=value"))
    var settings: [String] = []

    var source: ConfigurationSource {
        ConfigurationSource(files: config, overrides: settings, names: .known, notice: noticeRenamed)
    }

    /// The validated configuration.
    func load() throws(ConfigurationError) -> RunConfiguration { try source.load() }
}

/// Sets of renamed settings for which the notice has been printed.
private let noticed = Mutex<Set<[String]>>([])

/// Prints which settings use names of an earlier version. Rank 0 prints it once for each set of
/// names, so that several seeds of a run give one line.
func noticeRenamed(_ settings: RenamedSettings) {
    guard Environment.rank(ProcessInfo.processInfo.environment) == 0,
        noticed.withLock({ $0.insert(settings.names).inserted })
    else { return }
    printError("t2fnorm: note: \(settings)")
}
