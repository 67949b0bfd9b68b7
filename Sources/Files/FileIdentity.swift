internal import Glibc

/// Which file a descriptor is of.
public struct FileIdentity: Equatable, Sendable {
    public let device: UInt
    public let inode: UInt
    public let byteCount: Int

    /// - Returns: `nil` where the system does not say; `errno` has its reason. Also, with 0 there, where it is no regular file and
    ///   `isRegular` asks for one.
    public init?(of descriptor: Int32, isRegular: Bool = false) {
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

    /// Puts a new opening of this file in the place of a stale descriptor, which keeps its number.
    ///
    /// A file server that was started anew may not know what was opened before.
    ///
    /// - Parameter opened: A descriptor, which is closed; negative if the file could not be opened.
    /// - Returns: `false` if it is not of this file, or could not be put there.
    @discardableResult
    public func renew(_ descriptor: Int32, by opened: Int32) -> Bool {
        guard opened >= 0 else { return false }
        defer { _ = close(opened) }
        guard FileIdentity(of: opened) == self, dup2(opened, descriptor) >= 0 else { return false }
        return fcntl(descriptor, F_SETFD, FD_CLOEXEC) >= 0
    }
}

extension FileIdentity: CustomStringConvertible {
    public var description: String { "\(byteCount) bytes in inode \(inode) of device \(device)" }
}
