internal import Checkpoints
internal import Cluster
internal import Detection
internal import Files
internal import Foundation

/// A checkpoint's side file for decisions: the validation set's confidences by score, which give
/// the threshold of any true-positive rate without scoring the set again. `best.h5` has
/// `best.thresholds.json` beside it.
package struct ThresholdFile: Codable, Equatable {
    /// The confidences of one score.
    package struct Entry: Codable, Equatable {
        /// The fingerprint of the training set that the score is fitted on; `nil` for a score
        /// without a fit.
        package var training: String?
        /// The fingerprint of the validation set.
        package var validation: String
        /// Settings that the confidences depend on, as `ScoreOptions` describes them; absent if
        /// they are those of the first version.
        package var settings: String?
        /// The confidences of the validation set's images, ascending.
        package var confidences: [Double]
    }

    /// Hash of the weights that gave the confidences.
    package var weights: String
    /// Hash of the preprocessing that gave the confidences.
    package var preprocessing: String
    /// In the order of labels; empty if the validation set has none.
    package var classNames: [String]
    package var scores: [String: Entry] = [:]

    package init(weights: String, preprocessing: String) {
        self.weights = weights
        self.preprocessing = preprocessing
        classNames = []
    }

    /// The side file of a checkpoint.
    package static func path(of checkpoint: String) -> String {
        (checkpoint.hasSuffix(".h5") ? String(checkpoint.dropLast(3)) : checkpoint) + ".thresholds.json"
    }

    /// Reads the side file of a checkpoint; empty if there is none, or if it belongs to other
    /// weights or another preprocessing.
    package init(of checkpoint: String, weights: String, preprocessing: String) {
        self.init(weights: weights, preprocessing: preprocessing)
        guard let bytes = try? contents(of: Self.path(of: checkpoint)),
            let kept = try? JSONDecoder().decode(ThresholdFile.self, from: Data(bytes)),
            kept.weights == weights, kept.preprocessing == preprocessing
        else { return }
        self = kept
    }

    package func write(for checkpoint: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeFile(
            String(decoding: try encoder.encode(self), as: UTF8.self) + "\n", to: Self.path(of: checkpoint))
    }
}
