package import Files
internal import Glibc
package import SystemPackage

/// A file that any thread may read at any offset, and that stays open only while the pool has room
/// for it.
package final class PooledFile: Sendable {
    /// The path as text.
    package let path: String
    package let location: FilePath
    /// The identity of the file when this object was created.
    package let identity: FileIdentity
    private let pool: DescriptorPool
    private let descriptor = PooledDescriptor()

    /// Records the identity of the file at `path`, and leaves the file closed.
    package init(_ path: FilePath, pool: DescriptorPool = .shared) throws(DatasetError) {
        identity = try ReadableFile(path).identity
        self.path = path.text
        location = path
        self.pool = pool
    }

    package convenience init(_ path: String, pool: DescriptorPool = .shared) throws(DatasetError) {
        try self.init(FilePath(path), pool: pool)
    }

    deinit { pool.remove(descriptor) }

    package var byteCount: Int { identity.byteCount }

    /// Reads `count` bytes from `offset` on; a shorter read is an error.
    package func read(at offset: Int, count: Int) throws(DatasetError) -> [UInt8] {
        try withDescriptor { (number) throws(DatasetError) in
            try readAll(number, at: offset, count: count, place: path) {
                renew(number, of: location, identity)
            }
        }
    }

    /// Overwrites `bytes` with the file's bytes from `offset` on; a shorter read is an error.
    package func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(DatasetError) {
        let number = try pool.take(descriptor, open: reopen)
        defer { descriptor.release() }
        try readAll(number, at: offset, into: &bytes, place: path) { renew(number, of: location, identity) }
    }

    /// Calls `body` with the descriptor of the open file, which it may read at explicit offsets.
    package func withDescriptor<Result>(
        _ body: (Int32) throws(DatasetError) -> Result
    ) throws(DatasetError) -> Result {
        let number = try pool.take(descriptor, open: reopen)
        defer { descriptor.release() }
        return try body(number)
    }

    /// - Throws: If another file has the path now; its bytes would be taken for those of this one.
    private func reopen() throws(DatasetError) -> Int32 {
        let (number, found) = try openFile(location, makingRoomIn: pool)
        guard found == identity else {
            _ = close(number)
            throw DatasetError(
                action: "open again", place: path,
                reason: "it was replaced: \(found) now, \(identity) when it was first opened",
                remedy: "leave datasets alone while they are read, and start again")
        }
        return number
    }
}
