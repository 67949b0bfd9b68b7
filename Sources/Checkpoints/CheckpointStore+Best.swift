internal import Files
internal import Foundation

/// What became of `best.h5` where a run goes on from another place than its newest checkpoint.
public struct BestModel: Equatable, Sendable {
    /// Where the file that was there is kept, if it was of a past that is left.
    public var aside: String?
    /// Whether the best model of the past that the run goes on from is there, or there was none yet.
    public var isKnown: Bool
}

extension CheckpointStore {
    /// Makes `best.h5` the best model up to the place where a run goes on, and keeps one of another past out of the way.
    ///
    /// - Parameters:
    ///   - resumed: The checkpoint that the run goes on from, and its file; `nil` for the beginning.
    ///   - stepsPerEpoch: Updates in an epoch.
    /// - Throws: If the model is found elsewhere and cannot be written.
    public func goBack(
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

    /// Makes `latest` name the newest file that is there; deletes it where there is none.
    public func correctLatest() throws(CheckpointError) {
        let path = "\(folder)/latest"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
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
    /// Whether this is where the best model was taken of the past that `end` is the end of; the newest epoch's without a validation accuracy.
    func isBest(of end: TrainingPosition) -> Bool {
        guard stepInEpoch == 0, epoch > 0 else { return false }
        guard end.bestEpoch > 0 else { return epoch == end.epoch }
        return epoch == end.bestEpoch && bestAccuracy == end.bestAccuracy
    }
}
