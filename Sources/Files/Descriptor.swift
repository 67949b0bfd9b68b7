internal import Glibc

/// The unique owner of an open file descriptor.
struct Descriptor: ~Copyable, Sendable {
    let number: Int32

    /// - Throws: A `FileError` with the system's message if the file cannot be opened.
    init(_ path: String, _ flags: Int32) throws(FileError) {
        let number = FileWait.during(path) {
            PassingFault.retry { unsafe open(path, flags | O_CLOEXEC, 0o666) }
        }
        guard number >= 0 else { throw FileError(atFailureOf: path) }
        self.number = number
    }

    deinit { _ = Glibc.close(number) }

    /// Closes the file; returns 0, or −1 with the reason in `errno`.
    ///
    /// An interruption by a signal is not a failure: Linux has already closed the descriptor, and
    /// another thread may have received its number. Data that must be on the disk is synced before
    /// or after, and the sync reports whether it is.
    consuming func close() -> Int32 {
        let number = number
        discard self
        let result = Glibc.close(number)
        return result < 0 && errno == EINTR ? 0 : result
    }
}
