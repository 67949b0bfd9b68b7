internal import Checksums
internal import Files
internal import Glibc
internal import SystemPackage

/// An open file that any thread may read at any place.
final class ReadableFile: Sendable {
    /// In words.
    let path: String
    private let location: FilePath
    let identity: FileIdentity
    /// Whose place in the file nobody else relies on.
    let descriptor: Int32

    init(_ path: FilePath) throws(DatasetError) {
        (descriptor, identity) = try openFile(path)
        self.path = path.text
        location = path
    }

    convenience init(_ path: String) throws(DatasetError) { try self.init(FilePath(path)) }

    deinit { _ = close(descriptor) }

    var byteCount: Int { identity.byteCount }

    /// Reads `count` bytes from `offset` on; fewer are an error.
    func read(at offset: Int, count: Int) throws(DatasetError) -> [UInt8] {
        try readAll(descriptor, at: offset, count: count, place: path) {
            renew(descriptor, of: location, identity)
        }
    }

    /// The whole file's checksum, read in pieces.
    ///
    /// - Parameter progress: Gets the bytes of each piece.
    func checksum(progress: (Int) -> Void = { _ in }) throws(DatasetError) -> CRC64 {
        var checksum = CRC64()
        let step = 4 << 20
        for start in stride(from: 0, to: byteCount, by: step) {
            // Bound to a name: the compiler (6.3.1) crashes on the span of a temporary from a throwing call.
            let bytes = try read(at: start, count: min(step, byteCount - start))
            checksum.update(bytes.span)
            progress(bytes.count)
        }
        return checksum
    }

    /// The whole file.
    ///
    /// - Parameter limit: Bytes that a file of its kind has at most: a sparse one of 10 TB takes no room on the disk.
    static func contents(of path: FilePath, atMost limit: Int = 4 << 30) throws(DatasetError) -> [UInt8] {
        let file = try ReadableFile(path)
        guard file.byteCount <= limit else {
            throw DatasetError(
                action: "read", place: file.path,
                reason: "it has \(file.byteCount) bytes, expected at most \(limit)")
        }
        return try file.read(at: 0, count: file.byteCount)
    }

    static func contents(of path: String, atMost limit: Int = 4 << 30) throws(DatasetError) -> [UInt8] {
        try contents(of: FilePath(path), atMost: limit)
    }
}
