internal import Files
internal import Glibc
public import SystemPackage

/// The files of a tar archive, in any order; links are followed inside the archive.
///
/// A plain archive is read where it lies. A compressed one is unpacked once into a nameless file in the temporary
/// folder (`TMPDIR`), which is gone with the process.
public final class TarArchive: FileTree {
    private struct Position {
        /// Of the header, in the uncompressed archive.
        var offset: Int
        /// Of the bytes, in the temporary file.
        var start: Int
        var byteCount: Int
    }

    public let path: String
    public let identity: String
    private let positions: [FilePath: Position]
    private let found: FileListing
    private let descriptor: Int32
    private let byteCount: Int
    private let isSpooled: Bool

    /// Lists the archive; unpacks it if it is compressed.
    ///
    /// - Throws: If there is no such file, it is no tar archive, it is damaged or cut off, or the temporary folder is full.
    public init(_ path: String) throws(DatasetError) {
        self.path = path
        identity = fileIdentity(path)
        var reader = try ArchiveReader(path, .tar)
        var entry = try reader.nextEntry()
        isSpooled = !reader.isUncompressed
        let opened = try openFile(FilePath(path))
        byteCount = opened.identity.byteCount
        descriptor = isSpooled ? try makeTemporaryFile(path) : opened.descriptor
        if isSpooled { _ = close(opened.descriptor) }
        var tree = ArchiveTree<Position>()
        var end = 0
        while let header = entry {
            let position = Position(offset: header.offset, start: end, byteCount: header.byteCount)
            tree.add(header, position)
            if isSpooled, header.isFile, tooLarge(header.byteCount, place: path) == nil {
                end += try spool(&reader, into: descriptor, of: path)
            }
            entry = try reader.nextEntry()
        }
        try tree.followLinks(in: path)
        positions = tree.files
        found = tree.listing
    }

    deinit { _ = close(descriptor) }

    public func listing() -> FileListing { found }

    public func contains(_ file: FilePath) -> Bool { positions[file] != nil }

    public func contents(of file: FilePath) throws(DatasetError) -> [UInt8] {
        let place = place(of: file)
        guard let position = positions[file] else {
            throw DatasetError(action: "read", place: place, reason: "it is not in the archive")
        }
        if let error = tooLarge(position.byteCount, place: place) { throw error }
        if isSpooled {
            return try readAll(descriptor, at: position.start, count: position.byteCount, place: place)
        }
        let start = try tarContentStart(
            descriptor, at: position.offset, byteCount: position.byteCount, place: place)
        if let start {
            return try readAll(descriptor, at: start, count: position.byteCount, place: place)
        }
        return try unpacked(position, place)
    }

    /// The bytes of a file that does not lie in one piece.
    private func unpacked(_ position: Position, _ place: String) throws(DatasetError) -> [UInt8] {
        let piece = FilePiece(descriptor, position.offset..<byteCount, place: place)
        var reader = try ArchiveReader(path, piece: piece)
        _ = try reader.nextEntry()
        let bytes = try reader.read(atMost: position.byteCount)
        guard bytes.count == position.byteCount else {
            throw DatasetError(
                action: "read", place: place,
                reason: "\(bytes.count) of its \(position.byteCount) bytes are there")
        }
        return bytes
    }

    public func place(of file: FilePath) -> String {
        positions[file].map { "\(path), at byte \($0.offset): \(file.text)" } ?? "\(path): \(file.text)"
    }
}

/// Appends an entry's bytes to the temporary file and says how many they were.
private func spool(
    _ reader: inout ArchiveReader, into descriptor: Int32, of archive: String
) throws(DatasetError) -> Int {
    var count = 0
    while true {
        let bytes = try reader.read(atMost: 1 << 20)
        if bytes.isEmpty { return count }
        var written = 0
        while written < bytes.count {
            let rest = bytes[written...]
            let more = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            guard more > 0 else {
                throw DatasetError(
                    action: "unpack archive", place: archive, reason: systemMessage(),
                    remedy: "set TMPDIR to a folder with more room")
            }
            written += more
        }
        count += bytes.count
    }
}

/// Creates a file that has no name and goes with its descriptor.
private func makeTemporaryFile(_ archive: String) throws(DatasetError) -> Int32 {
    let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = Array("\(folder)/t2fnorm-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&template)
    guard descriptor >= 0 else {
        throw DatasetError(
            action: "unpack archive \(archive)", place: folder, reason: systemMessage(),
            remedy: "set TMPDIR to a folder that can be written")
    }
    _ = unsafe unlink(template)
    return descriptor
}
