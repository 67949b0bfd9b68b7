internal import Glibc

/// A file that is read at any place.
public struct InputFile: ~Copyable {
    private let path: String
    private let descriptor: Descriptor

    /// Opens a file to read.
    public init(opening path: String) throws(FileError) {
        self.path = path
        descriptor = try Descriptor(path, O_RDONLY)
    }

    /// Its length now.
    public var byteCount: Int {
        var status = stat()
        return unsafe fstat(descriptor.number, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Overwrites `values` with the bytes from `offset` on.
    ///
    /// - Throws: Also if the file ends before.
    public func read<Element: BitwiseCopyable>(
        at offset: Int, into values: inout MutableSpan<Element>
    ) throws(FileError) {
        let wanted = values.count * MemoryLayout<Element>.stride
        var done = 0
        while done < wanted {
            let count = unsafe values.withUnsafeMutableBytes {
                unsafe pread(descriptor.number, $0.baseAddress! + done, wanted - done, off_t(offset + done))
            }
            guard count != 0 else {
                throw FileError(path: path, reason: "it ends before byte \(offset + wanted)")
            }
            guard count > 0 || errno == EINTR else { throw FileError(path: path, reason: systemMessage()) }
            done += max(count, 0)
        }
    }

    /// Has the system read the file from the disk while its beginning is worked on.
    public func readAhead() { _ = posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_WILLNEED) }

    /// Lets go of what the system keeps of the file in memory, so that it is read from the disk; what is not synced stays.
    public func forgetCached() { _ = posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_DONTNEED) }
}
