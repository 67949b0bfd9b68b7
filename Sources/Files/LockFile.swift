internal import Glibc

/// A lock that at most one process holds among all hosts that share its folder.
///
/// It does not need `flock`, which NFS and Lustre may lack: a draft is written completely, then
/// hard-linked to the lock's name, which fails if that name exists. Its modification time, by the
/// file server's clock, is its owner's sign of life. It is synced, so that after a power cut it
/// still names its owner.
package struct LockFile: Sendable {
    /// The contents of a lock as read from the disk.
    package struct Contents: Equatable, Sendable {
        package let text: String
        /// Changes with every sign of life.
        package let stamp: Stamp
    }

    /// The modification time and the inode of a lock.
    package struct Stamp: Equatable, Sendable {
        let inode: UInt64
        let seconds: Int
        let nanoseconds: Int

        fileprivate init(_ status: stat) {
            inode = UInt64(status.st_ino)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }

        /// The time from `earlier` to this one.
        func time(since earlier: Stamp) -> Duration {
            .seconds(seconds - earlier.seconds) + .nanoseconds(nanoseconds - earlier.nanoseconds)
        }
    }

    /// The state of a lock that this process created.
    package enum State: Equatable, Sendable {
        case held
        /// Another process has deleted it.
        case missing
        /// Another process has replaced it; the text of the new lock.
        case replaced(String)
    }

    package let path: String
    private let draft: String

    /// - Parameter name: A suffix of the draft's name that no other process uses.
    package init(path: String, name: String) {
        self.path = path
        draft = "\(path).\(name)"
    }

    /// Creates the lock unless it exists.
    ///
    /// - Returns: Whether this process has created it.
    package func create(_ text: String) throws(FileError) -> Bool {
        try writeDraft(text)
        defer { discardDraft() }
        if unsafe link(draft, path) == 0 { return true }
        let code = errno
        // The link may have been created although the server's reply was lost.
        var status = stat()
        if unsafe stat(draft, &status) == 0, status.st_nlink == 2 { return true }
        switch code {
        case EEXIST: return false
        case EPERM, EOPNOTSUPP, ENOSYS, EMLINK: return try createExclusively(text)
        default:
            errno = code
            throw FileError(path: path, reason: systemMessage())
        }
    }

    /// For a file system without hard links.
    private func createExclusively(_ text: String) throws(FileError) -> Bool {
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw FileError(path: path, reason: systemMessage()) }
            return false
        }
        defer { _ = close(descriptor) }
        do {
            try write(text, to: descriptor)
            try synchronize(path)
        } catch {
            // This process has made it, so nobody else has the lock.
            remove()
            throw error
        }
        return true
    }

    /// Replaces another process's lock by this process's.
    package func replace(_ text: String) throws(FileError) {
        try writeDraft(text)
        guard unsafe rename(draft, path) == 0 else {
            let reason = systemMessage()
            discardDraft()
            throw FileError(path: path, reason: reason)
        }
    }

    /// The contents of the lock; `nil` if there is none.
    package func read() throws(FileError) -> Contents? {
        // The file is opened for each read: NFS asks the server only on opening.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT || errno == ESTALE else {
                throw FileError(path: path, reason: systemMessage())
            }
            return nil
        }
        defer { _ = close(descriptor) }
        return try contents(of: descriptor)
    }

    /// Renews the modification time if the lock still has this text.
    package func refresh(_ text: String) throws(FileError) -> State {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw FileError(path: path, reason: systemMessage()) }
            return .missing
        }
        defer { _ = close(descriptor) }
        let found = try contents(of: descriptor).text
        guard found == text else { return .replaced(found) }
        if futimens(descriptor, nil) != 0 {
            // Writing the same bytes again changes the time too.
            try write(text, to: descriptor)
            _ = fsync(descriptor)
        }
        return .held
    }

    /// The time since the lock's last sign of life, by the file server's clock.
    package func age(of contents: Contents) throws(FileError) -> Duration {
        try writeDraft("")
        defer { discardDraft() }
        var status = stat()
        guard unsafe stat(draft, &status) == 0 else {
            throw FileError(path: draft, reason: systemMessage())
        }
        return Stamp(status).time(since: contents.stamp)
    }

    /// Deletes the lock.
    package func remove() { _ = unsafe unlink(path) }

    private func discardDraft() { _ = unsafe unlink(draft) }

    private func writeDraft(_ text: String) throws(FileError) {
        try write(text, to: draft, O_CREAT | O_TRUNC)
        if !text.isEmpty { try synchronize(draft) }
    }

    private func write(_ text: String, to path: String, _ flags: Int32) throws(FileError) {
        let descriptor = unsafe open(path, flags | O_WRONLY | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileError(path: path, reason: systemMessage()) }
        defer { _ = close(descriptor) }
        try write(text, to: descriptor)
    }

    /// Writes from the start of the file.
    private func write(_ text: String, to descriptor: Int32) throws(FileError) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(done))
            }
            guard count >= 0 || errno == EINTR else { throw FileError(path: path, reason: systemMessage()) }
            done += max(count, 0)
        }
    }

    private func contents(of descriptor: Int32) throws(FileError) -> Contents {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress!, $0.count, 0)
        }
        var status = stat()
        guard count >= 0, unsafe fstat(descriptor, &status) == 0 else {
            throw FileError(path: path, reason: systemMessage())
        }
        return Contents(text: String(decoding: bytes.prefix(count), as: UTF8.self), stamp: Stamp(status))
    }
}
