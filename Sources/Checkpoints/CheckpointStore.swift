internal import Files
internal import Foundation

/// The checkpoints of a run: `step-00004800.h5 …`, `latest` (the name of the newest) and `best.h5`.
///
/// Every file is written under another name, synced and renamed, so a crash leaves the old one or the new one whole.
public struct CheckpointStore: Sendable {
    /// The folder, `<run>/checkpoints`.
    public let folder: String
    /// How many of the newest files are kept beside the best one.
    public let keep: Int

    public init(folder: String, keep: Int) {
        precondition(keep >= 1, "keep \(keep) checkpoints")
        self.folder = folder
        self.keep = keep
    }

    /// The file of the best model.
    public var bestPath: String { "\(folder)/best.h5" }

    var hasBest: Bool { FileManager.default.fileExists(atPath: bestPath) }

    /// Writes a snapshot without momentum to a file of its own.
    public static func save(model checkpoint: Checkpoint, to path: String) throws(CheckpointError) {
        var model = checkpoint
        model.momentum = []
        try CheckpointFile.write(model, to: path)
    }

    /// Writes a snapshot as the newest; then deletes the oldest ones.
    public func save(_ checkpoint: Checkpoint) throws(CheckpointError) {
        do {
            try createFolder(folder)
        } catch {
            throw CheckpointError(path: folder, reason: "could not create the folder: \(error.reason)")
        }
        let name = fileName(step: checkpoint.position.step)
        try CheckpointFile.write(checkpoint, to: "\(folder)/\(name)")
        do {
            try writeFile("\(name)\n", to: "\(folder)/latest")
        } catch {
            throw CheckpointError(error)
        }
        for old in stepFiles().dropLast(keep) where old != name {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(old)")
        }
    }

    /// Writes a snapshot as the best model, without momentum.
    public func saveBest(_ checkpoint: Checkpoint) throws(CheckpointError) {
        try Self.save(model: checkpoint, to: bestPath)
    }

    /// The newest checkpoint that is whole, with the damaged newer ones; `nil` if there is no file at all.
    ///
    /// - Throws: If there are files and every one is damaged.
    public func newest() throws(CheckpointError) -> (
        checkpoint: Checkpoint, path: String, damaged: [CheckpointError]
    )? {
        var damaged: [CheckpointError] = []
        for name in stepFiles().reversed() {
            let path = "\(folder)/\(name)"
            do {
                return (try CheckpointFile.read(path), path, damaged)
            } catch {
                damaged.append(error)
            }
        }
        if let first = damaged.first {
            throw CheckpointError(
                path: first.path,
                reason: "\(first.reason); no other one is whole, start anew with --resume none")
        }
        return nil
    }

    /// Reads and verifies one file.
    public static func load(_ path: String) throws(CheckpointError) -> Checkpoint {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CheckpointError(path: path, reason: "there is no such file")
        }
        do {
            return try CheckpointFile.read(path)
        } catch {
            throw CheckpointError(path: path, reason: "\(error.reason); name another checkpoint of the run")
        }
    }

    private func fileName(step: Int) -> String {
        let digits = "\(step)"
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".h5"
    }

    /// Names of all step files, oldest first.
    func stepFiles() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("step-") && $0.hasSuffix(".h5") }
            .sorted { ($0.count, $0) < ($1.count, $1) }
    }
}
