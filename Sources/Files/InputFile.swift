internal import Glibc

/// A file that is read at any place.
public struct InputFile: ~Copyable, Sendable {
    private let path: String
    private let descriptor: Descriptor
    private let identity: FileIdentity

    /// Opens a file to read.
    public init(opening path: String) throws(FileError) {
        let descriptor = try Descriptor(path, O_RDONLY)
        guard let identity = FileIdentity(of: descriptor.number) else { throw FileError(atFailureOf: path) }
        self.path = path
        self.descriptor = descriptor
        self.identity = identity
    }

    /// Its length when it was opened.
    public var byteCount: Int { identity.byteCount }

    /// Overwrites `values` with the bytes from `offset` on.
    ///
    /// - Throws: Also if the file ends before.
    public func read<Element: BitwiseCopyable>(
        at offset: Int, into values: inout MutableSpan<Element>
    ) throws(FileError) {
        let failure = unsafe values.withUnsafeMutableBytes { unsafe read(at: offset, into: $0) }
        if let failure { throw failure }
    }

    /// The `count` values whose bytes begin at `offset`.
    ///
    /// - Throws: Also if the file ends before.
    public func values<Element: BitwiseCopyable>(
        at offset: Int, count: Int, as type: Element.Type = Element.self
    ) throws(FileError) -> [Element] {
        var failure: FileError?
        // Zeros first would touch new memory twice.
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

    /// Asks for pages of 2 MiB where `bytes` holds whole ones: 512 fewer faults for each, which take longer than reading what is
    /// cached.
    private static func askForHugePages(_ bytes: UnsafeMutableRawBufferPointer) {
        let page = 2 << 20
        guard bytes.count >= page, let base = bytes.baseAddress else { return }
        let start = unsafe base.alignedUp(toMultipleOf: page)
        let count = unsafe (bytes.count - (start - base)) / page * page
        // A refusal costs speed alone.
        if count > 0 { _ = unsafe madvise(start, count, Int32(MADV_HUGEPAGE)) }
    }

    private func read(at offset: Int, into bytes: UnsafeMutableRawBufferPointer) -> FileError? {
        let (number, path, identity) = (descriptor.number, path, identity)
        // Opens the file again under its number, where it is still the one at its path.
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
                // Within the length that the system has told, the file is changed meanwhile or its server is wrong.
                return FileError(
                    path: path, reason: "it ends before byte \(end)", isSystemFault: end <= byteCount)
            }
            done += count
        }
        return nil
    }

    /// Has the system read the file from the disk while its beginning is worked on.
    public func readAhead() { _ = posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_WILLNEED) }

    /// Lets go of what the system keeps of the file in memory, so that it is read from the disk; what is not synced stays.
    public func forgetCached() { _ = posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_DONTNEED) }
}

/// All bytes of the file at `path`; `nil` if there is none.
///
/// - Throws: Where the system cannot read it: a file that cannot be seen is not taken for missing.
public func contents(of path: String) throws(FileError) -> [UInt8]? {
    guard try fileExists(path) else { return nil }
    let file = try InputFile(opening: path)
    return try file.values(at: 0, count: file.byteCount)
}
