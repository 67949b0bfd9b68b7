internal import Foundation

/// Writes a file under a temporary name in the same folder, then syncs it, renames it to `path` and syncs the folder.
///
/// A crash at any time leaves the old file or the new one whole. The temporary name is `path` with
/// `.partial-` and the process's id after it.
///
/// - Parameters:
///   - check: Looks at the new file, once it is on the disk, before it takes the old one's place.
///   - write: Writes and closes the file of the name it gets.
/// - Throws: What `write` or `check` throws, or a `FileError`; then the temporary file is removed and `path` untouched.
public func replaceFile(
    at path: String, check: (_ temporaryPath: String) throws -> Void = { _ in },
    _ write: (_ temporaryPath: String) throws -> Void
) throws {
    let temporary = "\(path).partial-\(getpid())"
    do {
        try write(temporary)
        try synchronize(temporary)
        try check(temporary)
        guard unsafe rename(temporary, path) == 0 else {
            throw FileError(path: path, reason: systemMessage())
        }
    } catch {
        _ = unsafe unlink(temporary)
        throw error
    }
    try synchronize(folder(of: path))
}

/// Writes a whole file of text, or none, as `replaceFile` does; missing folders are made.
public func writeFile(_ text: String, to path: String) throws(FileError) {
    try createFolder(folder(of: path))
    do {
        try replaceFile(at: path) { try Data(text.utf8).write(to: URL(filePath: $0)) }
    } catch {
        throw FileError(path: path, error)
    }
}

/// Waits until a file's bytes, or a folder's names, are on the disk.
///
/// - Throws: If it cannot be opened or the disk refuses, as a full one may do this late.
public func synchronize(_ path: String) throws(FileError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, reason: systemMessage()) }
    defer { _ = close(descriptor) }
    // Some file systems cannot sync a folder and say EINVAL; there is nothing better to do there.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
        throw FileError(path: path, reason: systemMessage())
    }
}
