internal import Checkpoints
package import Detection
internal import Foundation
package import RunConfiguration
package import Training

/// The networks that the score `ensemble` averages with the scored one.
package struct Ensemble {
    /// The folders of runs or of their seeds.
    private let folders: [String]
    private let checkpoint: String
    private let settings: [String]

    /// - Parameters:
    ///   - folders: The folders of runs, with all seeds of each; the scored network is left out.
    ///   - checkpoint: The file's name, the same for all networks.
    ///   - settings: Settings on top of each member's configuration, as `key=value`.
    package init(folders: [String], checkpoint: String, settings: [String]) {
        self.folders = folders
        self.checkpoint = checkpoint
        self.settings = settings
    }

    /// Loads the networks; none if no score needs them.
    ///
    /// - Parameters:
    ///   - scores: The scores to compute.
    ///   - directory: The scored run.
    ///   - configuration: The configuration of the scored run, with `settings` applied.
    ///   - notice: Called if a configuration uses earlier names of settings.
    /// - Throws: `ConfigurationError` if there is no network but the scored one, or a network has
    ///   different preprocessing or a different number of classes.
    package func load(
        for scores: [ScoreDefinition], beside directory: RunDirectory, _ configuration: RunConfiguration,
        notice: (RenamedSettings) -> Void
    ) throws -> [LoadedModel] {
        guard ScoreNeeds(scores, hasValidation: true).members else {
            guard folders.isEmpty else {
                throw ConfigurationError(
                    key: "--ensemble", found: "given", expected: "the score ensemble with it")
            }
            return []
        }
        let seeds = try folders.flatMap { try RunDirectory.seedFolders(of: $0) }.filter {
            resolved($0) != resolved(directory.path)
        }
        guard !seeds.isEmpty else {
            throw ConfigurationError(
                key: "--ensemble",
                found: folders.isEmpty ? "missing" : "no network but that of \(directory.path)",
                expected: "the folders of other runs, for the score ensemble to average with this one")
        }
        return try seeds.map { seed in
            let member = RunDirectory(path: seed)
            let own = try RunConfiguration.load(
                files: [member.configurationPath], overrides: settings, names: .known,
                notice: notice)
            let model = try LoadedModel(member, checkpoint, own)
            try model.check(scores: scores)
            for (what, isEqual) in [
                ("the preprocessing", own.preprocessingHash == configuration.preprocessingHash),
                ("the number of classes", own.network.classes == configuration.network.classes),
            ] where !isEqual {
                throw ConfigurationError(
                    key: "--ensemble", found: "\(seed) with \(what) of its own",
                    expected: "\(what) of \(directory.path)")
            }
            return model
        }
    }

    private func resolved(_ path: String) -> String {
        URL(filePath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
}
