internal import Datasets
internal import SystemPackage

/// The archive of one class's images, as a file of its own or inside another archive.
struct ClassArchive: Sendable {
    /// The class's name: the file's name without its extension.
    var name: String
    /// For errors.
    var place: String
    var file: PooledFile
    /// The archive's offset in its file.
    var start: Int
    var byteCount: Int

    /// Whether it is an uncompressed tar.
    func isPlain() throws(DatasetError) -> Bool {
        try file.isPlainTar(at: start, byteCount: byteCount)
    }
}

extension PooledFile {
    /// Whether a part of the file, or all of it, begins with the header of an uncompressed tar.
    func isPlainTar(at start: Int = 0, byteCount: Int? = nil) throws(DatasetError) -> Bool {
        guard byteCount ?? self.byteCount >= tarBlock else { return false }
        return try read(at: start, count: tarBlock)[257..<262].elementsEqual("ustar".utf8)
    }
}

/// The archives in a folder, sorted by their names.
///
/// - Throws: If there are none.
func archivesInFolder(_ path: String) throws(DatasetError) -> [ClassArchive] {
    var archives: [ClassArchive] = []
    for name in try FolderWalk(path, entersFolders: false).listing.files {
        guard let className = classNameOfArchive(name) else { continue }
        let file = try PooledFile(FilePath(path).appending(name.components))
        archives.append(
            ClassArchive(name: className, place: file.path, file: file, start: 0, byteCount: file.byteCount))
    }
    guard !archives.isEmpty else { throw noArchives(path) }
    return archives
}

/// The archives in a tar, in the tar's order; `nil` if it is compressed, or an archive in it is not
/// stored contiguously.
///
/// - Parameter skipped: Receives each file that is not an archive.
/// - Throws: If there are none, or the tar is damaged or cut off.
func archivesInTar(
    _ path: String, _ skipped: inout SkippedEntries
) throws(DatasetError) -> [ClassArchive]? {
    let file = try PooledFile(path)
    var archives: [ClassArchive] = []
    var reader = try ArchiveReader(path, .tar)
    while let entry = try reader.nextEntry() {
        guard reader.isUncompressed else { return nil }
        guard skipped.take(entry) else { continue }
        guard let name = classNameOfArchive(entry.name) else {
            skipped.add(entry.name, .noImage)
            continue
        }
        let place = "\(path), at byte \(entry.offset): \(entry.name.text)"
        let start = try file.withDescriptor { (descriptor) throws(DatasetError) in
            try tarContentStart(descriptor, at: entry.offset, byteCount: entry.byteCount, place: place)
        }
        guard let start else { return nil }
        guard start + entry.byteCount <= file.byteCount else {
            throw DatasetError(
                action: "read archive", place: place, reason: "the file ends after \(file.byteCount) bytes")
        }
        archives.append(
            ClassArchive(name: name, place: place, file: file, start: start, byteCount: entry.byteCount))
    }
    guard !archives.isEmpty else { throw noArchives(path) }
    return archives
}

/// The label of each archive's class.
///
/// - Throws: If a class occurs twice or has no label.
func labelsOf(_ archives: [ClassArchive], _ classNames: [String]) throws(DatasetError) -> [Int32] {
    let labelOfName = Dictionary(
        zip(classNames.map(\.bytesKey), Int32(0)...), uniquingKeysWith: { first, _ in first })
    var seen: Set<[UInt8]> = []
    var labels: [Int32] = []
    for archive in archives {
        guard let label = labelOfName[archive.name.bytesKey] else {
            throw DatasetError(
                action: "find the class '\(archive.name)'", place: archive.place,
                reason: "the order of classes has no such name",
                remedy: "give the order that belongs to the archive")
        }
        guard seen.insert(archive.name.bytesKey).inserted else {
            throw DatasetError(
                action: "read archive", place: archive.place,
                reason: "the class '\(archive.name)' occurs twice")
        }
        labels.append(label)
    }
    return labels
}

private func noArchives(_ path: String) -> DatasetError {
    DatasetError(action: "read archive", place: path, reason: "there is no .tar file in it")
}
