internal import Checksums
internal import Files
internal import Glibc

/// A file that is being written under a temporary name, in a folder where independent processes may
/// write the same file.
///
/// It is locked while this object exists. The system releases the lock when the process ends,
/// however it ends, and the lock is visible in other PID namespaces, in which the process itself is
/// not.
final class PartialFile {
    /// Age in seconds after which a file counts as a leftover on a file system without locks.
    private static let longestPause = 3600

    private let path: String
    private let action: String
    private let descriptor: Int32

    /// Creates a new file.
    ///
    /// - Parameter action: The operation that error messages name.
    init(_ path: String, action: String) throws(DatasetError) {
        self.path = path
        self.action = action
        var descriptor: Int32
        repeat {
            descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw DatasetError(action, path, failure: errno) }
            // Another process may have removed the file as a leftover before it was locked.
            _ = PassingFault.uninterrupted { flock(descriptor, LOCK_EX) }
        } while Self.isRemoved(descriptor)
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    /// Copies the bytes of another file and returns their checksum.
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

    /// Appends bytes.
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

    /// Removes the file at `path` unless a process has it locked; on a file system without locks,
    /// unless it is recent.
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
