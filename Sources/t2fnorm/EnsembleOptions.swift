import ArgumentParser
import Checkpoints
import Detection
import Foundation
import RunConfiguration
import Training

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

    /// The networks, each with the checkpoint of the same name.
    ///
    /// - Parameters:
    ///   - scores: The scores to compute.
    ///   - directory: The scored run.
    ///   - configuration: The configuration of the scored run, with `settings` applied; they are
    ///     applied to each member of the ensemble, too.
    /// - Throws: `ConfigurationError` if there is no network but the scored one, or a network has
    ///   different preprocessing or a different number of classes.
    func load(
        for scores: [ScoreName], beside directory: RunDirectory, _ configuration: RunConfiguration,
        checkpoint: String, settings: [String]
    ) throws -> [LoadedModel] {
        guard scores.needMembers else {
            guard folders.isEmpty else {
                throw ConfigurationError(
                    key: "--ensemble", found: "given", expected: "the score ensemble with it")
            }
            return []
        }
        let seeds = try folders.flatMap { try seedFolders(of: $0) }.filter {
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
                notice: noticeRenamed)
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
