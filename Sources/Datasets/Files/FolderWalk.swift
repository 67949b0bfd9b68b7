internal import Files
internal import Glibc
package import SystemPackage

/// A recursive listing of a folder.
///
/// A link counts as its target. A link to a folder that contains it is skipped, and so is an entry
/// that is neither a file nor a folder: reading a pipe would wait for a writer. A dangling link
/// counts as a file, so that its image is reported as missing.
package struct FolderWalk {
    /// A folder's identity, whatever path leads to it.
    private struct Identity: Hashable {
        var device: UInt
        var inode: UInt
    }

    private enum Kind {
        case file
        case folder(Identity)
        case special
    }

    /// The largest number of paths to one folder; more mean that links multiply.
    private static let mostVisits = 64

    private let root: FilePath
    private let entersFolders: Bool
    private var files: [FilePath] = []
    private var folders: Set<FilePath> = []
    private var skipped = SkippedEntries()
    private var visits: [Identity: Int] = [:]

    package var listing: FileListing { FileListing(files: files, folders: folders, skipped: skipped) }

    /// - Parameter entersFolders: Whether subfolders are listed, too.
    /// - Throws: If a folder cannot be read, or too many links lead to one.
    package init(_ path: String, entersFolders: Bool = true) throws(DatasetError) {
        root = FilePath(path)
        self.entersFolders = entersFolders
        guard case .folder(let identity) = kind(of: root) else {
            throw DatasetError(action: "list folder", place: path, reason: "it is not a folder")
        }
        try walk(FilePath(), inside: [identity])
    }

    /// - Parameter above: The folder itself and the folders that contain it.
    private mutating func walk(_ folder: FilePath, inside above: [Identity]) throws(DatasetError) {
        let place = root.appending(folder.components)
        for (name, type) in try entries(of: place) {
            let path = folder.appending(name)
            guard !isHidden(name) else {
                skipped.add(path, .hidden)
                continue
            }
            switch type == DT_REG ? .file : kind(of: place.appending(name)) {
            case .file: files.append(path)
            case .special: skipped.add(path, .special)
            case .folder where isMetadataFolder(name): skipped.add(path, .metadataFolder)
            case .folder(let identity) where above.contains(identity): skipped.add(path, .circle)
            case .folder(let identity):
                folders.insert(path)
                guard entersFolders else { continue }
                try count(identity, place.appending(name))
                try walk(path, inside: above + [identity])
            }
        }
    }

    private mutating func count(_ identity: Identity, _ path: FilePath) throws(DatasetError) {
        visits[identity, default: 0] += 1
        guard visits[identity, default: 0] <= Self.mostVisits else {
            throw DatasetError(
                action: "list folder", place: path.text,
                reason: "links lead to it in more than \(Self.mostVisits) ways")
        }
    }

    /// The kind of a path's target; a dangling link is a file.
    private func kind(of path: FilePath) -> Kind {
        var status = stat()
        guard unsafe path.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return .file }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder(Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino)))
        default: return .special
        }
    }
}

/// The names in a folder and their types, in any order.
private func entries(of folder: FilePath) throws(DatasetError) -> [(FilePath.Component, UInt8)] {
    let failure = {
        DatasetError(
            action: "list folder", place: folder.text, reason: systemMessage(),
            isSystemFault: PassingFault.isSystemFault(errno))
    }
    var entries: [(FilePath.Component, UInt8)] = []
    let code = PassingFault.retry {
        entries = []
        return unsafe folder.withPlatformString { path in
            unsafe forEachName(inFolder: path) { name, type in
                guard let name = unsafe FilePath.Component(platformString: name) else { return }
                entries.append((name, type))
            }
        }
    }
    guard code == 0 else { throw failure() }
    return entries
}

/// Whether a folder contains files that other systems store beside the user's own.
package func isMetadataFolder(_ name: FilePath.Component) -> Bool {
    name.string == "__MACOSX" || name.string == "@eaDir"
}
