import Checkpoints
import Cluster
import Detection
import Files
import Foundation

/// What a checkpoint's side file keeps for decisions: the validation set's confidences by scores, so that any true-positive rate has its
/// threshold without scoring the set again. `best.h5` has `best.thresholds.json` beside it.
struct ThresholdFile: Codable, Equatable {
    /// One score's.
    struct Entry: Codable, Equatable {
        /// The fingerprint of the training set that the score is fitted on; `nil` of one that is not.
        var training: String?
        /// The fingerprint of the validation set.
        var validation: String
        /// What the confidences depend on beside these and the model, as `ScoreOptions` describes it; absent where that has been so from
        /// the first version on.
        var settings: String?
        /// Of the validation set's images, ascending.
        var confidences: [Double]
    }

    /// Hashes of what the confidences are of.
    var weights: String
    var preprocessing: String
    /// In the order of labels; empty if the validation set has none.
    var classNames: [String]
    var scores: [String: Entry] = [:]

    init(weights: String, preprocessing: String) {
        self.weights = weights
        self.preprocessing = preprocessing
        classNames = []
    }

    /// The side file of a checkpoint.
    static func path(of checkpoint: String) -> String {
        (checkpoint.hasSuffix(".h5") ? String(checkpoint.dropLast(3)) : checkpoint) + ".thresholds.json"
    }

    /// What is kept for a checkpoint with these weights and images read alike; nothing yet where the file is of another model.
    init(of checkpoint: String, weights: String, preprocessing: String) {
        self.init(weights: weights, preprocessing: preprocessing)
        guard let data = FileManager.default.contents(atPath: Self.path(of: checkpoint)),
            let kept = try? JSONDecoder().decode(ThresholdFile.self, from: data),
            kept.weights == weights, kept.preprocessing == preprocessing
        else { return }
        self = kept
    }

    /// What rank 0 finds, on all ranks. Collective.
    ///
    /// - Parameter found: What this rank would find; rank 0's counts.
    static func ofRank0(
        _ communicator: any Communicator, _ found: @autoclosure () -> ThresholdFile
    ) throws -> ThresholdFile {
        let own = try communicator.rank == 0 ? Array(JSONEncoder().encode(found())) : []
        return try JSONDecoder().decode(
            ThresholdFile.self, from: Data(try communicator.broadcast(own, from: 0)))
    }

    func write(for checkpoint: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeFile(
            String(decoding: try encoder.encode(self), as: UTF8.self) + "\n", to: Self.path(of: checkpoint))
    }
}
