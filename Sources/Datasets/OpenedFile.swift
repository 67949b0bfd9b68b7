internal import Files
internal import Glibc

/// Which file a descriptor is of.
package struct FileIdentity: Equatable, Sendable {
    package let device: UInt
    package let inode: UInt
    package let byteCount: Int
}

/// Opens a file to read; the caller closes the descriptor.
///
/// - Parameter pool: Closes descriptors that nobody uses where there is none left.
func openFile(
    _ path: String, makingRoomIn pool: DescriptorPool = .shared
) throws(DatasetError) -> (descriptor: Int32, identity: FileIdentity) {
    // A pipe that nobody writes into would never open.
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK
    var descriptor = unsafe open(path, flags)
    while descriptor < 0 && DescriptorLimit.isReached(errno) {
        let code = errno
        guard pool.closeOldest() else {
            errno = code
            break
        }
        descriptor = unsafe open(path, flags)
    }
    guard descriptor >= 0 else {
        throw DatasetError(
            action: "open", place: path, reason: systemMessage(),
            isOutOfDescriptors: DescriptorLimit.isReached(errno))
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        _ = close(descriptor)
        throw DatasetError(action: "open", place: path, reason: "it is no file")
    }
    let identity = FileIdentity(
        device: UInt(status.st_dev), inode: UInt(status.st_ino), byteCount: Int(status.st_size))
    return (descriptor, identity)
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

/// Overwrites `bytes` with those of an open file from `offset` on; fewer are an error.
func readAll(
    _ descriptor: Int32, at offset: Int, into bytes: inout MutableSpan<UInt8>, place: String
) throws(DatasetError) {
    let count = bytes.count
    let (read, failure) = unsafe bytes.withUnsafeMutableBufferPointer {
        unsafe readAll(descriptor, at: offset, into: $0)
    }
    guard read == count else { throw shortRead(count, at: offset, read, failure, place) }
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
