package import Checkpoints
internal import Files
internal import Foundation
package import Training

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
        guard let name = try? text(of: path) else {
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
