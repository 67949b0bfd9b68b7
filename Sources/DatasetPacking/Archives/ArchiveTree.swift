internal import Datasets
internal import SystemPackage

/// The files of an archive by their paths, each with its position.
struct ArchiveTree<Position> {
    private(set) var files: [FilePath: Position] = [:]
    private var folders: Set<FilePath> = []
    private var skipped = SkippedEntries()
    /// The links with their target paths; `nil` for a target outside the archive.
    private var links: [(path: FilePath, target: FilePath?)] = []

    /// Adds the archive's next entry.
    mutating func add(_ entry: ArchiveReader.Entry, _ position: Position) {
        guard let path = entry.path, entry.name.root == nil else {
            // The root folder, as in `tar -c .`, is not reported as skipped.
            if entry.kind != .folder { skipped.add(entry.name, .outside) }
            return
        }
        switch entry.kind {
        case .file:
            if files.updateValue(position, forKey: path) != nil { skipped.add(path, .replaced) }
        case .folder: folders.insert(path)
        case .hardLink(let target): links.append((path, target.insideTree))
        case .symbolicLink(let target):
            let isInside = target.root == nil
            let folder = path.removingLastComponent()
            links.append((path, isInside ? folder.appending(target.components).insideTree : nil))
        case .other: skipped.add(path, .special)
        }
    }

    /// Resolves each link to its target file, or to the files of its target folder.
    ///
    /// Links may add files to the target folders of other links, so all are followed until nothing
    /// is added.
    ///
    /// - Parameter archive: For errors.
    /// - Throws: If links multiply the files to more than 64 for each file and link.
    mutating func followLinks(in archive: String) throws(DatasetError) {
        for path in Array(files.keys) + links.map(\.path) { addFolders(above: path) }
        let most = 64 * (files.count + links.count)
        var before = -1
        while files.count + folders.count > before {
            before = files.count + folders.count
            for link in links {
                follow(link)
                guard files.count <= most else {
                    throw DatasetError(
                        action: "read archive", place: archive, reason: "links multiply its files")
                }
            }
        }
        for link in links where !isFollowed(link.path) {
            let isCircle = link.target.map { folders.contains($0) && link.path.starts(with: $0) } ?? false
            skipped.add(link.path, isCircle ? .circle : .dangling)
        }
    }

    private func isFollowed(_ link: FilePath) -> Bool { files[link] != nil || folders.contains(link) }

    private mutating func follow(_ link: (path: FilePath, target: FilePath?)) {
        guard let target = link.target else { return }
        if let position = files[target] {
            files[link.path] = position
            return
        }
        guard folders.contains(target), !link.path.starts(with: target) else { return }
        let depth = target.components.count
        let alias = { (path: FilePath) in link.path.appending(path.components.dropFirst(depth)) }
        for (path, position) in files where path.starts(with: target) { files[alias(path)] = position }
        for path in folders where path.starts(with: target) { folders.insert(alias(path)) }
    }

    private mutating func addFolders(above file: FilePath) {
        var folder = file.removingLastComponent()
        while !folder.isEmpty, folders.insert(folder).inserted { folder = folder.removingLastComponent() }
    }

    /// The files and folders that are not hidden and not left by other systems.
    var listing: FileListing {
        var skipped = skipped
        var visible: [FilePath] = []
        for file in sortedByBytes(Array(files.keys)) {
            if !file.isVisible {
                skipped.add(file, .hidden)
            } else if file.components.contains(where: isMetadataFolder) {
                skipped.add(file, .metadataFolder)
            } else {
                visible.append(file)
            }
        }
        let shown = folders.filter { $0.isVisible && !$0.components.contains(where: isMetadataFolder) }
        return FileListing(files: visible, folders: shown, skipped: skipped)
    }
}
