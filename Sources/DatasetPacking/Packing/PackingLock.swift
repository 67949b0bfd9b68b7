internal import Datasets
internal import Files
internal import Glibc

/// Keeps a second process from packing into the same folder. The system releases the lock when the
/// process ends, however it ends.
final class PackingLock: Sendable {
    private let descriptor: Int32

    /// - Throws: If another process holds the lock.
    init(_ path: String) throws(DatasetError) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw DatasetError(action: "open", place: path, reason: systemMessage())
        }
        // A file system without locks returns another error; packing then goes ahead without one.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            _ = close(descriptor)
            throw DatasetError(
                action: "pack", place: path, reason: "another process is packing the same dataset",
                remedy: "wait for it, or give another folder")
        }
    }

    deinit { _ = close(descriptor) }
}
