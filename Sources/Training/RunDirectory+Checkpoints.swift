package import Checkpoints
internal import Files
internal import Foundation

/// The seed in a folder's name; `nil` if the name is not that of a seed folder.
private func seedNumber(_ name: String) -> UInt64? {
    guard name.first == "s", let seed = UInt64(name.dropFirst()), name == "s\(seed)" else { return nil }
    return seed
}

extension RunDirectory {
    /// The seed folders `s0`, `s1` … in `folder`, in the order of their numbers, or `folder` itself if
    /// it is a seed folder. Other folders, such as `s0-backup`, are ignored.
    package static func seedFolders(of folder: String) throws(CheckpointError) -> [String] {
        let files = FileManager.default
        if files.fileExists(atPath: "\(folder)/config.yml") { return [folder] }
        let names = (try? files.contentsOfDirectory(atPath: folder)) ?? []
        let seeds = names.compactMap(seedNumber).filter {
            files.fileExists(atPath: "\(folder)/s\($0)/config.yml")
        }
        guard !seeds.isEmpty else {
            throw CheckpointError(
                path: folder, reason: "there is no run here: no config.yml in the folder or in s0, s1 …")
        }
        return seeds.sorted().map { "\(folder)/s\($0)" }
    }

    /// The path of the checkpoint file with this name; the newest checkpoint for `latest`.
    package func checkpointPath(_ name: String) throws(CheckpointError) -> String {
        guard name == "latest" else { return "\(checkpointsPath)/\(name)" }
        let path = "\(checkpointsPath)/latest"
        guard let name = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw CheckpointError(path: path, reason: "there is no such file")
        }
        let newest = name.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !newest.isEmpty, newest != "..", newest != ".",
            !newest.contains(where: { $0 == "/" || $0 == "\0" })
        else {
            throw CheckpointError(
                path: path, reason: "it names '\(newest.prefix(80))', expected a file of its folder")
        }
        return "\(checkpointsPath)/\(newest)"
    }
}

extension CheckpointStore {
    /// The checkpoints of a run's folder, or of a folder of checkpoints; `nil` if `path` is no
    /// folder.
    package init?(ofRunOrFolder path: String) {
        let inside = RunDirectory(path: path).checkpointsPath
        guard isFolder(inside) || isFolder(path) else { return nil }
        self.init(folder: isFolder(inside) ? inside : path, keep: 1)
    }

    /// The checkpoint files of each path: a file itself, or all of a folder of checkpoints, of a
    /// run, or of a run's seeds.
    ///
    /// - Throws: `CheckpointError` for a path without a checkpoint, which would otherwise seem to
    ///   have passed a check.
    package static func files(of paths: [String]) throws(CheckpointError) -> [String] {
        var files: [String] = []
        for path in paths {
            guard isFolder(path) else {
                files.append(path)
                continue
            }
            let seeds =
                isFolder(RunDirectory(path: path).checkpointsPath)
                ? [] : (try? RunDirectory.seedFolders(of: path)) ?? []
            let own = try (seeds.isEmpty ? [path] : seeds).map { folder throws(CheckpointError) in
                (folder: folder, files: try CheckpointStore(ofRunOrFolder: folder)?.paths() ?? [])
            }
            if let empty = own.first(where: \.files.isEmpty) {
                throw CheckpointError(
                    path: empty.folder,
                    reason:
                        "there is no checkpoint; name a run, one of its seeds, a folder of checkpoints or a file"
                )
            }
            files += own.flatMap(\.files)
        }
        return files
    }

    /// The checkpoint in the file `path`, or the newest intact one of the run `path`, and its file.
    ///
    /// - Parameter damaged: Receives the errors of newer checkpoints that are damaged.
    package static func loadNewest(
        _ path: String, damaged: (CheckpointError) -> Void
    ) throws(CheckpointError) -> (checkpoint: Checkpoint, path: String) {
        guard let store = CheckpointStore(ofRunOrFolder: path) else { return (try load(path), path) }
        guard let newest = try store.newest() else {
            throw CheckpointError(path: path, reason: "there is no checkpoint in this folder")
        }
        newest.damaged.forEach(damaged)
        return (newest.checkpoint, newest.path)
    }
}
