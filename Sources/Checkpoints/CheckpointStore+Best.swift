internal import Files
internal import Foundation

/// What happened to `best.h5` when a run resumes from another place than its newest checkpoint.
package struct BestModel: Equatable, Sendable {
    /// New path of the previous file, if that belonged to steps that the run abandons.
    package var aside: String?
    /// Whether `best.h5` is the best model up to the place where the run resumes, or no model
    /// exists yet.
    package var isKnown: Bool
}

extension CheckpointStore {
    /// Makes `best.h5` the best model up to the place where a run resumes, and renames one that
    /// belongs to abandoned steps.
    ///
    /// - Parameters:
    ///   - resumed: The checkpoint that the run resumes from, and its file; `nil` for the
    ///     beginning.
    ///   - stepsPerEpoch: Updates in an epoch.
    /// - Throws: If the model is found in another file and cannot be written.
    package func goBack(
        to resumed: (checkpoint: Checkpoint, path: String)?, stepsPerEpoch: Int
    ) throws(CheckpointError) -> BestModel {
        let end = resumed?.checkpoint.position ?? TrainingPosition()
        let network = resumed?.checkpoint.network
        let isBest = { (model: Checkpoint) in model.network == network && model.position.isBest(of: end) }
        let hasBest = try hasBest()
        if hasBest, let model = try? CheckpointFile.read(bestPath), isBest(model) {
            return BestModel(isKnown: true)
        }
        let aside = hasBest ? Self.setAside(bestPath, as: "abandoned") : nil
        guard let resumed, end.epoch > 0 else { return BestModel(aside: aside, isKnown: true) }
        try create()
        if isBest(resumed.checkpoint) {
            try saveBest(resumed.checkpoint)
            return BestModel(aside: aside, isKnown: true)
        }
        let others = [
            path(step: end.bestEpoch * stepsPerEpoch),
            URL(filePath: resumed.path).deletingLastPathComponent().appending(path: "best.h5").path,
        ]
        for path in others where path != bestPath {
            guard let model = try? CheckpointFile.read(path), isBest(model) else { continue }
            try saveBest(model)
            return BestModel(aside: aside, isKnown: true)
        }
        return BestModel(aside: aside, isKnown: false)
    }

    /// Makes `latest` name the newest existing file; deletes `latest` if there is none.
    package func correctLatest() throws(CheckpointError) {
        let path = "\(folder)/latest"
        guard let text = try? text(of: path) else { return }
        let name = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let files = try stepFiles()
        guard !files.contains(name) else { return }
        guard let newest = files.last else {
            try? FileManager.default.removeItem(atPath: path)
            return
        }
        do {
            try writeFile("\(newest)\n", to: path)
        } catch {
            throw CheckpointError(writing: path, error)
        }
    }
}

extension TrainingPosition {
    /// Whether this is the position of the best model of the run that ends at `end`; without a
    /// validation accuracy that is the newest epoch's.
    func isBest(of end: TrainingPosition) -> Bool {
        guard stepInEpoch == 0, epoch > 0 else { return false }
        guard end.bestEpoch > 0 else { return epoch == end.epoch }
        return epoch == end.bestEpoch && bestAccuracy == end.bestAccuracy
    }
}
