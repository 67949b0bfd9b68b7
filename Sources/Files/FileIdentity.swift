internal import Glibc

/// The identity of the file that a descriptor refers to.
package struct FileIdentity: Equatable, Sendable {
    package let device: UInt
    package let inode: UInt
    package let byteCount: Int

    /// - Returns: `nil` if the system cannot tell, with the reason in `errno`; also `nil`, with
    ///   `errno` 0, if `isRegular` is true and it is not a regular file.
    package init?(of descriptor: Int32, isRegular: Bool = false) {
        var status = stat()
        guard PassingFault.retry({ unsafe fstat(descriptor, &status) }) == 0 else { return nil }
        guard !isRegular || status.st_mode & S_IFMT == S_IFREG else {
            errno = 0
            return nil
        }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        byteCount = Int(status.st_size)
    }

    /// Replaces a stale descriptor by a new descriptor of the same file; its number stays the same.
    ///
    /// A restarted file server may not recognise a handle that was opened before.
    ///
    /// - Parameter opened: The new descriptor, which this call closes; negative if the file could
    ///   not be opened.
    /// - Returns: `false` if `opened` refers to another file, or the descriptor could not be
    ///   replaced.
    @discardableResult
    package func renew(_ descriptor: Int32, by opened: Int32) -> Bool {
        guard opened >= 0 else { return false }
        defer { _ = close(opened) }
        guard FileIdentity(of: opened) == self, dup2(opened, descriptor) >= 0 else { return false }
        return fcntl(descriptor, F_SETFD, FD_CLOEXEC) >= 0
    }
}

extension FileIdentity: CustomStringConvertible {
    package var description: String { "\(byteCount) bytes in inode \(inode) of device \(device)" }
}
