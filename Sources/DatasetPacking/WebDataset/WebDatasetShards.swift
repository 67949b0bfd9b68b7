internal import Checksums
package import Datasets
internal import Files
internal import SystemPackage

/// The shards of a WebDataset in their order.
package struct WebDatasetShards: Sendable {
    /// The shards' paths; at least one.
    let paths: [String]
    /// What the user has named, shortened, for the manifest.
    let origin: String

    /// - Parameters:
    ///   - files: Tars, compressed or not, and folders of them; a folder's tars follow the byte
    ///     order of their names.
    ///   - origin: As the user has named them, for the manifest.
    /// - Throws: If a folder cannot be read or holds no tar.
    package init(_ files: [String], origin: [String]) throws(DatasetError) {
        var paths: [String] = []
        for file in files {
            guard isFolder(file) else {
                paths.append(file)
                continue
            }
            let found = try Self.tars(in: file)
            guard !found.isEmpty else {
                throw DatasetError(action: "read shards", place: file, reason: "there is no .tar file in it")
            }
            paths += found.map(\.text)
        }
        self.paths = paths
        let (first, last) = (origin.first ?? "", origin.last ?? "")
        self.origin =
            origin.count < 4
            ? origin.joined(separator: ", ") : "\(first) to \(last), \(paths.count) shards"
    }

    /// A text that changes when a shard changes.
    var identity: String {
        var check = CRC64()
        for path in paths { check.update(Array("\(path) \(fileIdentity(path))\n".utf8)) }
        return "\(paths.count) shards \(check.hexadecimal)"
    }

    func noSamples(_ skipped: SkippedEntries) -> DatasetError {
        DatasetError(
            action: "read shards", place: origin,
            reason: (["there is no sample in them"] + skipped.notes).joined(separator: "; "),
            remedy: "a sample is KEY.jpg, .jpeg, .png or .webp with KEY.cls or KEY.json")
    }

    /// The tars in a folder, in the byte order of their names.
    static func tars(in folder: String) throws(DatasetError) -> [FilePath] {
        try FolderWalk(folder, entersFolders: false).listing.files.filter { isTarName(lastName(of: $0)) }
            .map { FilePath(folder).appending($0.components) }
    }
}
