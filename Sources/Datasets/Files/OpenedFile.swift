internal import Files
internal import Glibc
internal import SystemPackage

/// Opens a file for reading; the caller closes the descriptor.
///
/// - Parameter pool: Closes its idle descriptors if the process has none left.
func openFile(
    _ path: FilePath, makingRoomIn pool: DescriptorPool = .shared
) throws(DatasetError) -> (descriptor: Int32, identity: FileIdentity) {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    let open = {
        FileWait.during(path.text) {
            unsafe path.withPlatformString { path in
                PassingFault.retry { unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
            }
        }
    }
    var descriptor = open()
    while descriptor < 0 && DescriptorLimit.isReached(errno) {
        let code = errno
        guard pool.closeOldest() else {
            errno = code
            break
        }
        descriptor = open()
    }
    guard descriptor >= 0 else { throw DatasetError("open", path.text, failure: errno) }
    guard let identity = FileIdentity(of: descriptor, isRegular: true) else {
        let code = errno
        _ = close(descriptor)
        guard code == 0 else { throw DatasetError("open", path.text, failure: code) }
        throw DatasetError(action: "open", place: path.text, reason: "it is not a regular file")
    }
    return (descriptor, identity)
}

/// Opens a file again under the number of a stale descriptor, if it is still the same file.
func renew(_ descriptor: Int32, of path: FilePath, _ identity: FileIdentity) {
    let opened = unsafe path.withPlatformString {
        unsafe Glibc.open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    }
    identity.renew(descriptor, by: opened)
}

/// Reads `count` bytes of an open file from `offset` on; a shorter read is an error.
///
/// - Parameter renew: Opens the file again under the descriptor's number, if its handle is stale.
package func readAll(
    _ descriptor: Int32, at offset: Int, count: Int, place: @autoclosure () -> String,
    renewing renew: () -> Void = {}
) throws(DatasetError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
        (initialized, failure) = FileWait.during(place()) {
            unsafe readAll(descriptor, at: offset, into: target, renewing: renew)
        }
    }
    guard bytes.count == count else { throw shortRead(count, at: offset, bytes.count, failure, place()) }
    return bytes
}

/// Overwrites `bytes` with the bytes of an open file from `offset` on; a shorter read is an error.
///
/// - Parameter renew: Opens the file again under the descriptor's number, if its handle is stale.
func readAll(
    _ descriptor: Int32, at offset: Int, into bytes: inout MutableSpan<UInt8>, place: String,
    renewing renew: () -> Void
) throws(DatasetError) {
    let count = bytes.count
    let (read, failure) = unsafe bytes.withUnsafeMutableBufferPointer { target in
        FileWait.during(place) { unsafe readAll(descriptor, at: offset, into: target, renewing: renew) }
    }
    guard read == count else { throw shortRead(count, at: offset, read, failure, place) }
}

/// Reads until `target` is full, the file ends or a read fails.
///
/// - Returns: The number of bytes read, and the system's error number or 0.
private func readAll(
    _ descriptor: Int32, at offset: Int, into target: UnsafeMutableBufferPointer<UInt8>,
    renewing renew: () -> Void
) -> (count: Int, failure: Int32) {
    var done = 0
    while done < target.count {
        let more = PassingFault.retry(renewing: renew) {
            unsafe pread(descriptor, target.baseAddress! + done, target.count - done, offset + done)
        }
        if more < 0 { return (done, errno) }
        if more == 0 { break }
        done += more
    }
    return (done, 0)
}

private func shortRead(
    _ count: Int, at offset: Int, _ read: Int, _ failure: Int32, _ place: String
) -> DatasetError {
    let action = "read \(count) bytes at \(offset)"
    guard failure == 0 else { return DatasetError(action, place, failure: failure) }
    return DatasetError(action: action, place: place, reason: "the file ends after \(offset + read)")
}

extension DatasetError {
    /// - Parameter code: The system's error number.
    package init(_ action: String, _ place: String, failure code: Int32) {
        errno = code
        let remedy = "it may be whole: look after its disk, server and network, then start again"
        self.init(
            action: action, place: place, reason: systemMessage(),
            remedy: PassingFault.isPassing(code) ? remedy : nil,
            isSystemFault: PassingFault.isSystemFault(code))
    }
}
