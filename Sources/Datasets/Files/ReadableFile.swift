internal import Checksums
internal import Files
internal import Glibc
package import SystemPackage

/// An open file that any thread may read at any offset.
package final class ReadableFile: Sendable {
    /// The path as text.
    package let path: String
    private let location: FilePath
    let identity: FileIdentity
    /// The open descriptor; nothing relies on its file offset.
    package let descriptor: Int32

    package init(_ path: FilePath) throws(DatasetError) {
        (descriptor, identity) = try openFile(path)
        self.path = path.text
        location = path
    }

    package convenience init(_ path: String) throws(DatasetError) { try self.init(FilePath(path)) }

    deinit { _ = close(descriptor) }

    package var byteCount: Int { identity.byteCount }

    /// Reads `count` bytes from `offset` on; a shorter read is an error.
    package func read(at offset: Int, count: Int) throws(DatasetError) -> [UInt8] {
        try readAll(descriptor, at: offset, count: count, place: path) {
            renew(descriptor, of: location, identity)
        }
    }

    /// The checksum of the whole file, which is read in pieces.
    ///
    /// - Parameter progress: Receives the byte count of each piece.
    func checksum(progress: (Int) -> Void = { _ in }) throws(DatasetError) -> CRC64 {
        var checksum = CRC64()
        let step = 4 << 20
        for start in stride(from: 0, to: byteCount, by: step) {
            // Bound to a name: the compiler (6.3.1) crashes on the span of a temporary from a
            // throwing call.
            let bytes = try read(at: start, count: min(step, byteCount - start))
            checksum.update(bytes.span)
            progress(bytes.count)
        }
        return checksum
    }

    /// The whole file.
    ///
    /// - Parameter limit: Largest size in bytes of such a file; needed because even a sparse 10-TB
    ///   file takes no space on disk.
    package static func contents(
        of path: FilePath, atMost limit: Int = 4 << 30
    ) throws(DatasetError) -> [UInt8] {
        let file = try ReadableFile(path)
        guard file.byteCount <= limit else {
            throw DatasetError(
                action: "read", place: file.path,
                reason: "it has \(file.byteCount) bytes, expected at most \(limit)")
        }
        return try file.read(at: 0, count: file.byteCount)
    }

    package static func contents(
        of path: String, atMost limit: Int = 4 << 30
    ) throws(DatasetError) -> [UInt8] {
        try contents(of: FilePath(path), atMost: limit)
    }
}
