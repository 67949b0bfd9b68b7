internal import Glibc

/// A file that is read at any offset.
package struct InputFile: ~Copyable, Sendable {
    private let path: String
    private let descriptor: Descriptor
    private let identity: FileIdentity

    /// Opens a file for reading.
    package init(opening path: String) throws(FileError) {
        let descriptor = try Descriptor(path, O_RDONLY)
        guard let identity = FileIdentity(of: descriptor.number) else { throw FileError(atFailureOf: path) }
        self.path = path
        self.descriptor = descriptor
        self.identity = identity
    }

    /// Its length when it was opened.
    package var byteCount: Int { identity.byteCount }

    /// Overwrites `values` with the bytes that begin at `offset`.
    ///
    /// - Throws: Also if the file ends before the last value.
    package func read<Element: BitwiseCopyable>(
        at offset: Int, into values: inout MutableSpan<Element>
    ) throws(FileError) {
        let failure = unsafe values.withUnsafeMutableBytes { unsafe read(at: offset, into: $0) }
        if let failure { throw failure }
    }

    /// The `count` values whose bytes begin at `offset`.
    ///
    /// - Throws: Also if the file ends before the last value.
    package func values<Element: BitwiseCopyable>(
        at offset: Int, count: Int, as type: Element.Type = Element.self
    ) throws(FileError) -> [Element] {
        var failure: FileError?
        // Initialising with zeros would touch new memory twice.
        let values = unsafe [Element](unsafeUninitializedCapacity: count) { target, initialized in
            let bytes = unsafe UnsafeMutableRawBufferPointer(
                start: target.baseAddress, count: count * MemoryLayout<Element>.stride)
            unsafe Self.askForHugePages(bytes)
            failure = unsafe read(at: offset, into: bytes)
            initialized = failure == nil ? count : 0
        }
        if let failure { throw failure }
        return values
    }

    /// Requests pages of 2 MiB where `bytes` contains whole ones: 512 fewer page faults for each.
    /// The faults take longer than reading from the page cache.
    private static func askForHugePages(_ bytes: UnsafeMutableRawBufferPointer) {
        let page = 2 << 20
        guard bytes.count >= page, let base = bytes.baseAddress else { return }
        let start = unsafe base.alignedUp(toMultipleOf: page)
        let count = unsafe (bytes.count - (start - base)) / page * page
        // A refusal costs only speed.
        if count > 0 { _ = unsafe madvise(start, count, Int32(MADV_HUGEPAGE)) }
    }

    private func read(at offset: Int, into bytes: UnsafeMutableRawBufferPointer) -> FileError? {
        let (number, path, identity) = (descriptor.number, path, identity)
        // Reopens the file under the same descriptor number if it is still the one at its path.
        let renew = { _ = identity.renew(number, by: unsafe open(path, O_RDONLY | O_CLOEXEC)) }
        var done = 0
        while done < bytes.count {
            let count = FileWait.during(path) {
                PassingFault.retry(renewing: renew) {
                    unsafe pread(
                        number, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
                }
            }
            guard count >= 0 else { return FileError(atFailureOf: path) }
            guard count > 0 else {
                let end = offset + bytes.count
                // If `end` is within the length at opening, the file has changed since or its
                // server is at fault.
                return FileError(
                    path: path, reason: "it ends before byte \(end)", isSystemFault: end <= byteCount)
            }
            done += count
        }
        return nil
    }

    /// Lets the system read the file from the disk while the caller works on its beginning.
    package func readAhead() { _ = posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_WILLNEED) }

    /// Drops the file from the page cache, so that it is read from the disk again; pages that are
    /// not synced stay.
    package func forgetCached() { _ = posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_DONTNEED) }
}

/// All bytes of the file at `path`; `nil` if there is none.
///
/// - Throws: If the system cannot read it: a file that cannot be examined does not count as
///   missing.
package func contents(of path: String) throws(FileError) -> [UInt8]? {
    guard try fileExists(path) else { return nil }
    let file = try InputFile(opening: path)
    return try file.values(at: 0, count: file.byteCount)
}

/// The text of the UTF-8 file at `path`; `nil` if there is none, or it is not UTF-8.
///
/// - Throws: If the system cannot read it.
package func text(of path: String) throws(FileError) -> String? {
    try contents(of: path).flatMap { String(validating: $0, as: UTF8.self) }
}
