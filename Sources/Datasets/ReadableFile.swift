internal import Checksums
internal import Files
internal import Glibc

/// An open file that any thread may read at any place.
final class ReadableFile: Sendable {
    let path: String
    let byteCount: Int
    /// Whose place in the file nobody else relies on.
    let descriptor: Int32

    init(_ path: String) throws(DatasetError) {
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw DatasetError(action: "open", place: path, reason: systemMessage())
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            _ = close(descriptor)
            throw DatasetError(action: "open", place: path, reason: "it is no file")
        }
        self.path = path
        byteCount = Int(status.st_size)
    }

    deinit { _ = close(descriptor) }

    /// Reads `count` bytes from `offset` on; fewer are an error.
    func read(at offset: Int, count: Int) throws(DatasetError) -> [UInt8] {
        try readAll(descriptor, at: offset, count: count, place: path)
    }

    /// Overwrites `bytes` with those from `offset` on; fewer are an error.
    func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(DatasetError) {
        let count = bytes.count
        let (read, failure) = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe readAll(descriptor, at: offset, into: $0)
        }
        guard read == count else { throw shortRead(count, at: offset, read, failure, path) }
    }

    /// The whole file's checksum, read in pieces.
    ///
    /// - Parameter progress: Gets the bytes of each piece.
    func checksum(progress: (Int) -> Void = { _ in }) throws(DatasetError) -> CRC64 {
        var checksum = CRC64()
        let step = 4 << 20
        for start in stride(from: 0, to: byteCount, by: step) {
            // Bound to a name: the compiler (6.3.1) crashes on the span of a temporary from a throwing call.
            let bytes = try read(at: start, count: min(step, byteCount - start))
            checksum.update(bytes.span)
            progress(bytes.count)
        }
        return checksum
    }

    static func contents(of path: String) throws(DatasetError) -> [UInt8] {
        let file = try ReadableFile(path)
        return try file.read(at: 0, count: file.byteCount)
    }
}

/// Reads `count` bytes of an open file from `offset` on; fewer are an error.
func readAll(
    _ descriptor: Int32, at offset: Int, count: Int, place: @autoclosure () -> String
) throws(DatasetError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
        (initialized, failure) = unsafe readAll(descriptor, at: offset, into: target)
    }
    guard bytes.count == count else { throw shortRead(count, at: offset, bytes.count, failure, place()) }
    return bytes
}

/// Reads until `target` is full, the file ends or the system refuses.
///
/// - Returns: Bytes that were read, and the system's error number or 0.
private func readAll(
    _ descriptor: Int32, at offset: Int, into target: UnsafeMutableBufferPointer<UInt8>
) -> (count: Int, failure: Int32) {
    var done = 0
    while done < target.count {
        let more = unsafe pread(
            descriptor, target.baseAddress! + done, target.count - done, offset + done)
        if more < 0 && errno == EINTR { continue }
        if more < 0 { return (done, errno) }
        if more == 0 { break }
        done += more
    }
    return (done, 0)
}

private func shortRead(
    _ count: Int, at offset: Int, _ read: Int, _ failure: Int32, _ place: String
) -> DatasetError {
    errno = failure
    return DatasetError(
        action: "read \(count) bytes at \(offset)", place: place,
        reason: failure == 0 ? "the file ends after \(offset + read)" : systemMessage())
}
