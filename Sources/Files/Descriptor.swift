internal import Glibc

/// The one owner of an open file's number.
struct Descriptor: ~Copyable, Sendable {
    let number: Int32

    /// - Throws: The system's words where the file cannot be opened.
    init(_ path: String, _ flags: Int32) throws(FileError) {
        let number = FileWait.during(path) {
            PassingFault.retry { unsafe open(path, flags | O_CLOEXEC, 0o666) }
        }
        guard number >= 0 else { throw FileError(atFailureOf: path) }
        self.number = number
    }

    deinit { _ = Glibc.close(number) }

    /// Closes the file and says how that went.
    ///
    /// A signal that interrupts it is no failure: Linux has closed the descriptor by then, and another thread may have got its number. What
    /// must be on the disk is synced before or after, which says whether it is.
    consuming func close() -> Int32 {
        let number = number
        discard self
        let result = Glibc.close(number)
        return result < 0 && errno == EINTR ? 0 : result
    }
}
