internal import Glibc

/// The one owner of an open file's number.
struct Descriptor: ~Copyable, Sendable {
    let number: Int32

    /// - Throws: The system's words where the file cannot be opened.
    init(_ path: String, _ flags: Int32) throws(FileError) {
        let number = unsafe open(path, flags | O_CLOEXEC, 0o666)
        guard number >= 0 else {
            throw FileError(
                path: path, reason: systemMessage(), isOutOfDescriptors: DescriptorLimit.isReached(errno))
        }
        self.number = number
    }

    deinit { _ = Glibc.close(number) }

    /// Closes the file and says how that went.
    consuming func close() -> Int32 {
        let number = number
        discard self
        return Glibc.close(number)
    }
}
