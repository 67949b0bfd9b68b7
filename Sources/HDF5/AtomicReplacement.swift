internal import Glibc

/// Writes a file under a temporary name in the same folder, then syncs it, renames it to `path` and syncs the folder.
///
/// A crash at any time leaves the old file or the new one whole. The temporary name is `path` with
/// `.partial-` and the process's id after it.
///
/// - Parameter write: Writes and closes the file of the name it gets.
/// - Throws: What `write` throws, or an `HDF5Error`; then the temporary file is removed and `path` untouched.
public func replaceFile(at path: String, _ write: (_ temporaryPath: String) throws -> Void) throws {
    let temporary = "\(path).partial-\(getpid())"
    do {
        try write(temporary)
        try synchronize(temporary)
        guard unsafe rename(temporary, path) == 0 else {
            throw HDF5Error(action: "rename \(temporary) to its place", file: path, reason: systemMessage())
        }
    } catch {
        _ = unsafe unlink(temporary)
        throw error
    }
    try synchronize(folder(of: path))
}

/// Waits until a file's bytes, or a folder's names, are on the disk.
///
/// - Throws: If it cannot be opened or the disk refuses, as a full one may do this late.
public func synchronize(_ path: String) throws(HDF5Error) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw HDF5Error(action: "open", file: path, reason: systemMessage()) }
    defer { _ = close(descriptor) }
    // Some file systems cannot sync a folder and say EINVAL; there is nothing better to do there.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
        throw HDF5Error(action: "sync", file: path, reason: systemMessage())
    }
}

private func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The operating system's words for the last failed call on this thread, in lower case.
public func systemMessage() -> String {
    unsafe String(cString: strerror(errno)).lowercased()
}
