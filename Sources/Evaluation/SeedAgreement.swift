internal import Files
internal import Foundation
package import RunConfiguration
package import Training

/// Checks that runs are seeds of one experiment, so that a mean over them makes sense.
package enum SeedAgreement {
    /// Settings below `evaluation` that change scores.
    private static let scoring = ["evaluation.temperature", "evaluation.grood", "evaluation.search"]
    /// Settings that may differ. The training set may move; its fingerprint must match.
    private static let places = ["seed", "data.train", "data.validation"]

    /// - Throws: `ConfigurationError` with the first setting that changes results and differs
    ///   between two seeds.
    package static func check(_ seeds: [(folder: String, configuration: RunConfiguration)])
        throws(ConfigurationError)
    {
        guard let first = seeds.first else { return }
        for seed in seeds.dropFirst() {
            let differences = seed.configuration.differences(from: first.configuration).filter {
                ($0.isMathematical || scoring.contains($0.key)) && !places.contains($0.key)
            }
            guard let difference = differences.first else { continue }
            throw refusal(
                difference.key, difference.mine, in: seed.folder, difference.theirs, in: first.folder)
        }
    }

    /// Throws if known fingerprints of the training sets differ.
    package static func check(trainingSets: [(folder: String, fingerprint: String?)])
        throws(ConfigurationError)
    {
        let known = trainingSets.filter { !($0.fingerprint ?? "").isEmpty }
        guard let first = known.first, let other = known.first(where: { $0.fingerprint != first.fingerprint })
        else { return }
        throw refusal(
            "data.train", "a set of fingerprint \(other.fingerprint ?? "")", in: other.folder,
            first.fingerprint ?? "", in: first.folder)
    }

    private static func refusal(
        _ key: String, _ found: String, in folder: String, _ expected: String, in first: String
    ) -> ConfigurationError {
        ConfigurationError(
            key: key, found: "\(found) in \(folder)",
            expected: """
                \(expected) as in \(first): a mean over seeds needs runs that differ only in their seeds; name the folders of \
                single seeds to compare them side by side
                """)
    }
}

/// The progress of a run, by its log.
package struct RunProgress {
    /// The progress in words; `nil` for a finished run, or one without a log, such as an imported
    /// run.
    package let unfinished: String?

    package init(_ directory: RunDirectory, _ configuration: RunConfiguration) {
        guard let text = try? text(of: directory.metricsPath) else {
            unfinished = nil
            return
        }
        let last = text.split(separator: "\n").reversed().lazy.compactMap(Self.epoch).first ?? 0
        unfinished =
            last < configuration.training.epochs
            ? "unfinished after \(last) of \(configuration.training.epochs) epochs" : nil
    }

    private struct Line: Decodable {
        let event: String
        let epoch: Int?
    }

    /// The completed epoch that a line reports; `nil` for other lines.
    private static func epoch(_ line: Substring) -> Int? {
        guard line.contains("\"epoch\""),
            let line = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)),
            line.event == "epoch"
        else { return nil }
        return line.epoch
    }
}
