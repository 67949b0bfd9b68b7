package import Datasets
package import SystemPackage

/// The files of a tar archive, readable in any order; links inside the archive are followed.
///
/// An uncompressed archive is read in place. A compressed one is unpacked once into an unlinked
/// file in the temporary folder (`TMPDIR`), which the system removes when the process ends.
package final class TarArchive: FileTree {
    private struct Position {
        /// The header's offset in the uncompressed archive.
        var offset: Int
        /// The offset of the bytes in the temporary file.
        var start: Int
        var byteCount: Int
    }

    package let path: String
    package let identity: String
    private let positions: [FilePath: Position]
    private let found: FileListing
    private let archive: ReadableFile
    /// The unpacked files of a compressed archive; `nil` for an uncompressed one.
    private let store: TemporaryFile?

    /// Lists the archive, and unpacks it if it is compressed.
    ///
    /// - Throws: If there is no such file, it is not a tar archive, it is damaged or cut off, or
    ///   the temporary folder is full.
    package init(_ path: String) throws(DatasetError) {
        self.path = path
        identity = fileIdentity(path)
        var reader = try ArchiveReader(path, .tar)
        var entry = try reader.nextEntry()
        archive = try ReadableFile(path)
        store = reader.isUncompressed ? nil : try TemporaryFile(for: path)
        var tree = ArchiveTree<Position>()
        var end = 0
        while let header = entry {
            let position = Position(offset: header.offset, start: end, byteCount: header.byteCount)
            tree.add(header, position)
            if let store, header.isFile, tooLarge(header.byteCount, place: path) == nil {
                end += try store.write(entryOf: &reader, atMost: header.byteCount, at: end)
            }
            entry = try reader.nextEntry()
        }
        try tree.followLinks(in: path)
        positions = tree.files
        found = tree.listing
    }

    package func listing() -> FileListing { found }

    package func contains(_ file: FilePath) -> Bool { positions[file] != nil }

    package func contents(of file: FilePath) throws(DatasetError) -> [UInt8] {
        let place = place(of: file)
        guard let position = positions[file] else {
            throw DatasetError(action: "read", place: place, reason: "it is not in the archive")
        }
        if let error = tooLarge(position.byteCount, place: place) { throw error }
        if let store { return try store.read(at: position.start, count: position.byteCount, place: place) }
        let start = try tarContentStart(
            archive.descriptor, at: position.offset, byteCount: position.byteCount, place: place)
        if let start {
            return try readAll(archive.descriptor, at: start, count: position.byteCount, place: place)
        }
        return try unpacked(position, place)
    }

    /// The bytes of a file that is not stored contiguously.
    private func unpacked(_ position: Position, _ place: String) throws(DatasetError) -> [UInt8] {
        let piece = FilePiece(archive.descriptor, position.offset..<archive.byteCount, place: place)
        var reader = try ArchiveReader(path, piece: piece)
        _ = try reader.nextEntry()
        let bytes = try reader.read(atMost: position.byteCount)
        guard bytes.count == position.byteCount else {
            throw DatasetError(
                action: "read", place: place,
                reason: "only \(bytes.count) of its \(position.byteCount) bytes could be read")
        }
        return bytes
    }

    package func place(of file: FilePath) -> String {
        positions[file].map { "\(path), at byte \($0.offset): \(file.text)" } ?? "\(path): \(file.text)"
    }
}
