internal import Checksums
internal import Files
internal import Glibc

/// A file that is being written under a temporary name, in a folder where processes that do not know of each other may write the same.
///
/// It is locked while it is held. The lock goes with its process, however that ends, and is seen from other PID namespaces, where the
/// process is not.
final class PartialFile {
    /// After which a file without a lock is left over, in seconds, on a file system that has no locks.
    private static let longestPause = 3600

    private let path: String
    private let action: String
    private let descriptor: Int32

    /// Makes a new file.
    ///
    /// - Parameter action: What errors say could not be done.
    init(_ path: String, action: String) throws(DatasetError) {
        self.path = path
        self.action = action
        var descriptor: Int32
        repeat {
            descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw DatasetError(action, path, failure: errno) }
            // Another process may have taken the file for a leftover before it was locked.
            _ = PassingFault.uninterrupted { flock(descriptor, LOCK_EX) }
        } while Self.isRemoved(descriptor)
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    /// Writes another file's bytes and gives their checksum.
    func copyBytes(of file: ReadableFile, _ progress: (Int) -> Void) throws(DatasetError) -> CRC64 {
        var checksum = CRC64()
        let step = 4 << 20
        for start in stride(from: 0, to: file.byteCount, by: step) {
            let bytes = try file.read(at: start, count: min(step, file.byteCount - start))
            checksum.update(bytes.span)
            try write(bytes)
            progress(bytes.count)
        }
        return checksum
    }

    /// Writes bytes behind those that are there.
    func write(_ bytes: [UInt8]) throws(DatasetError) {
        var written = 0
        while written < bytes.count {
            let more = unsafe bytes[written...].withUnsafeBytes { bytes in
                PassingFault.uninterrupted { unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
            }
            guard more > 0 else {
                throw DatasetError(
                    action: action, place: path, reason: systemMessage(),
                    remedy: "make room, give another folder to --stage, or leave it out")
            }
            written += more
        }
    }

    /// Removes the file at `path` if no process holds it.
    static func removeIfLeft(_ path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { _ = close(descriptor) }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || isRecent(descriptor)) {
            return
        }
        _ = unsafe unlink(path)
    }

    private static func isRemoved(_ descriptor: Int32) -> Bool {
        var status = stat()
        let isKnown = unsafe fstat(descriptor, &status) == 0
        if isKnown && status.st_nlink == 0 {
            _ = close(descriptor)
            return true
        }
        return false
    }

    private static func isRecent(_ descriptor: Int32) -> Bool {
        var status = stat()
        return unsafe fstat(descriptor, &status) != 0 || status.st_mtim.tv_sec > time(nil) - longestPause
    }
}
