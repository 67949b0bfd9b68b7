internal import Files
internal import Foundation
package import Networks

/// The checkpoints of a run: `step-00004800.h5 …`, `latest` (the name of the newest) and `best.h5`.
///
/// Every file is written under a temporary name, synced, read back and renamed, so that after a
/// crash either the old or the new file is there and intact.
package struct CheckpointStore: Sendable {
    /// The folder, `<run>/checkpoints`.
    package let folder: String
    /// How many of the newest files are kept beside the best one.
    package let keep: Int
    /// Files whose step is a multiple of this are kept permanently; 0 for none.
    package let milestone: Int

    package init(folder: String, keep: Int, milestone: Int = 0) {
        precondition(keep >= 1 && milestone >= 0, "keep \(keep) checkpoints and every \(milestone) steps")
        self.folder = folder
        self.keep = keep
        self.milestone = milestone
    }

    /// The file of the best model.
    package var bestPath: String { "\(folder)/best.h5" }

    /// The file of the state after `step` updates.
    package func path(step: Int) -> String { "\(folder)/\(fileName(step: step))" }

    func hasBest() throws(CheckpointError) -> Bool { try Self.isThere(bestPath) }

    private static func isThere(_ path: String) throws(CheckpointError) -> Bool {
        do {
            return try fileExists(path)
        } catch {
            throw CheckpointError(reading: path, error)
        }
    }

    private func fileName(step: Int) -> String {
        let digits = "\(step)"
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".h5"
    }

    /// Names of all step files, oldest first; none if there is no folder.
    ///
    /// - Throws: If the folder cannot be listed, which does not mean that the run has no
    ///   checkpoints.
    func stepFiles() throws(CheckpointError) -> [String] {
        let names: [String]
        do {
            names = try namesInFolder(folder)
        } catch {
            throw CheckpointError(reading: folder, error)
        }
        return names.filter { $0.hasPrefix("step-") && $0.hasSuffix(".h5") }
            .sorted { ($0.count, $0) < ($1.count, $1) }
    }
}

// MARK: - Writing

extension CheckpointStore {
    /// Writes the model of a snapshot to a file of its own.
    package static func save(model checkpoint: Checkpoint, to path: String) throws(CheckpointError) {
        try CheckpointFile.write(checkpoint.model, to: path)
    }

    /// Writes the model of a snapshot as the best one.
    package func saveBest(_ checkpoint: Checkpoint) throws(CheckpointError) {
        try Self.save(model: checkpoint, to: bestPath)
    }

    /// Writes a model, which this run has not trained, as the best one.
    package func saveBest(_ classifier: Classifier, configuration: String) throws(CheckpointError) {
        let head = Checkpoint(
            headOf: classifier, position: TrainingPosition(), configuration: configuration,
            dataFingerprint: "")
        let parameters = classifier.parameters
        let state = parameters.entries.map { entry in
            CheckpointFile.TensorMaker(name: entry.name, shape: entry.shape) {
                parameters.copyElements(of: entry, to: &$0)
            }
        }
        try CheckpointFile.write(head, [.state(state)], to: bestPath)
    }

    /// Writes a snapshot as the newest; then deletes the oldest ones.
    package func save(_ checkpoint: Checkpoint) throws(CheckpointError) {
        try create()
        try CheckpointFile.write(checkpoint, to: path(step: checkpoint.position.step))
        try switchLatest(to: checkpoint.position.step)
    }

    /// Writes a snapshot as the newest, and if `isBest` its model also as the best one; then deletes the
    /// oldest ones.
    ///
    /// The best model is written first: if the process ends after that, the resumed run computes
    /// the same one again.
    ///
    /// - Returns: Size and times of the newest file.
    func save(_ snapshot: Snapshot, isBest: Bool) throws(CheckpointError) -> WrittenFile {
        try create()
        if isBest {
            try CheckpointFile.write(snapshot.head, [snapshot.model], to: bestPath)
        }
        let step = snapshot.head.position.step
        let written = try CheckpointFile.write(
            snapshot.head, [snapshot.state] + snapshot.slotGroups, to: path(step: step))
        try switchLatest(to: step)
        return written
    }

    /// Creates the folder.
    func create() throws(CheckpointError) {
        do {
            try createFolder(folder)
        } catch {
            throw CheckpointError(path: folder, reason: "could not create the folder: \(error.reason)")
        }
    }

    private func switchLatest(to step: Int) throws(CheckpointError) {
        let newest = fileName(step: step)
        do {
            try writeFile("\(newest)\n", to: "\(folder)/latest")
        } catch {
            throw CheckpointError(writing: "\(folder)/latest", error)
        }
        for old in try stepFiles().dropLast(keep) where old != newest && !isMilestone(old) {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(old)")
        }
    }

    private func isMilestone(_ name: String) -> Bool {
        guard milestone > 0, let step = Int(name.dropFirst("step-".count).dropLast(".h5".count)) else {
            return false
        }
        return step.isMultiple(of: milestone)
    }

    /// Removes the temporary files of a process that ended during a write.
    func removeLeftovers() {
        for name in (try? namesInFolder(folder)) ?? [] where name.contains(partialMark) {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }
}

// MARK: - Reading

extension CheckpointStore {
    /// The newest intact checkpoint, and the errors of damaged newer ones; `nil` if there is no
    /// file at all.
    ///
    /// - Throws: If there are files and every one is damaged, or if one cannot be read for another
    ///   reason.
    package func newest() throws(CheckpointError) -> (
        checkpoint: Checkpoint, path: String, damaged: [CheckpointError]
    )? {
        var damaged: [CheckpointError] = []
        for name in try stepFiles().reversed() {
            let path = "\(folder)/\(name)"
            do {
                return (try CheckpointFile.read(path), path, damaged)
            } catch {
                guard error.isDamage else { throw error }
                damaged.append(error)
            }
        }
        if let first = damaged.first {
            throw CheckpointError(
                path: first.path,
                reason:
                    "\(first.reason); no other checkpoint is intact, start from the beginning with --resume none"
            )
        }
        return nil
    }

    /// Reads and verifies one file.
    package static func load(_ path: String) throws(CheckpointError) -> Checkpoint {
        guard try isThere(path) else {
            throw CheckpointError(path: path, reason: "there is no such file")
        }
        do {
            return try CheckpointFile.read(path)
        } catch {
            throw CheckpointError(
                path: path, reason: "\(error.reason); name another checkpoint of the run",
                isDamage: error.isDamage, isSystemFault: error.isSystemFault)
        }
    }

    /// Renames the checkpoints after `step`, at which a run starts again; see `setAside(_:as:)`.
    ///
    /// - Returns: Their new paths.
    /// - Throws: If the folder cannot be listed, since a later checkpoint would be taken for the
    ///   run's own.
    package func setAside(after step: Int) throws(CheckpointError) -> [String] {
        let last = fileName(step: step)
        return try stepFiles().filter { ($0.count, $0) > (last.count, last) }.compactMap {
            Self.setAside("\(folder)/\($0)", as: "abandoned")
        }
    }

    /// Renames a file so that nothing takes it for a checkpoint or deletes it.
    ///
    /// - Parameter mark: Suffix of the new name.
    /// - Returns: Its new path; `nil` if it could not be renamed.
    package static func setAside(_ path: String, as mark: String) -> String? {
        let aside = freeName(path, mark)
        guard (try? FileManager.default.moveItem(atPath: path, toPath: aside)) != nil else { return nil }
        return aside
    }

    /// Copies a file that is about to be truncated; see `setAside(_:as:)`.
    ///
    /// - Returns: The copy's path; `nil` if it could not be made.
    package static func copyAside(_ path: String, as mark: String) -> String? {
        let aside = freeName(path, mark)
        guard (try? FileManager.default.copyItem(atPath: path, toPath: aside)) != nil else { return nil }
        return aside
    }

    private static func freeName(_ path: String, _ mark: String) -> String {
        var aside = "\(path).\(mark)"
        var number = 1
        while FileManager.default.fileExists(atPath: aside) {
            number += 1
            aside = "\(path).\(mark)-\(number)"
        }
        return aside
    }
}
