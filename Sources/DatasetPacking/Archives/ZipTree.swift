package import Datasets
package import SystemPackage

/// The files of a zip archive, readable in any order.
///
/// They are unpacked once into an unlinked file in the temporary folder (`TMPDIR`). A file that
/// cannot be unpacked is a damaged image; the others can be read.
package final class ZipTree: FileTree {
    private enum Content {
        case unpacked(start: Int, byteCount: Int)
        case damaged(DatasetError)
    }

    package let path: String
    package let identity: String
    private let contents: [FilePath: Content]
    private let found: FileListing
    private let store: TemporaryFile

    /// Unpacks the archive.
    ///
    /// - Throws: If there is no such file, it is not a zip archive, its directory is damaged, or
    ///   the temporary folder is full.
    package init(_ path: String) throws(DatasetError) {
        self.path = path
        identity = fileIdentity(path)
        store = try TemporaryFile(for: path)
        var reader = try ArchiveReader(path, .zip)
        var tree = ArchiveTree<Content>()
        var end = 0
        while let entry = try reader.nextEntry() {
            let place = "\(path): \(entry.name.text)"
            if let error = tooLarge(entry.byteCount, place: place) {
                tree.add(entry, .damaged(error))
                continue
            }
            let content =
                entry.isFile
                ? try Self.unpack(entry, &reader, into: store, at: end, place: place)
                : .unpacked(start: end, byteCount: 0)
            if case .unpacked(_, let count) = content { end += count }
            tree.add(entry, content)
        }
        try tree.followLinks(in: path)
        contents = tree.files
        found = tree.listing
    }

    private static func unpack(
        _ entry: ArchiveReader.Entry, _ reader: inout ArchiveReader, into store: TemporaryFile, at start: Int,
        place: String
    ) throws(DatasetError) -> Content {
        var count = 0
        while count <= entry.byteCount {
            let piece: [UInt8]
            do throws(DatasetError) {
                piece = try reader.read(atMost: 1 << 20)
            } catch {
                return .damaged(DatasetError(action: "read", place: place, reason: error.reason))
            }
            if piece.isEmpty { break }
            try store.write(piece, at: start + count)
            count += piece.count
        }
        guard count == entry.byteCount else {
            return .damaged(
                DatasetError(
                    action: "read", place: place,
                    reason: "it is damaged: \(count) of its \(entry.byteCount) bytes can be unpacked"))
        }
        return .unpacked(start: start, byteCount: count)
    }

    package func listing() -> FileListing { found }

    package func contains(_ file: FilePath) -> Bool { contents[file] != nil }

    package func contents(of file: FilePath) throws(DatasetError) -> [UInt8] {
        switch contents[file] {
        case .unpacked(let start, let count):
            return try store.read(at: start, count: count, place: place(of: file))
        case .damaged(let error): throw error
        case nil:
            throw DatasetError(action: "read", place: place(of: file), reason: "it is not in the archive")
        }
    }

    package func place(of file: FilePath) -> String { "\(path): \(file.text)" }
}
