internal import Glibc

/// Writes a file under a temporary name in the same folder, then syncs it, renames it to `path` and syncs the folder.
///
/// A crash at any time leaves the old file or the new one whole. The temporary name is `path` with `.partial-` and a random number
/// after it: processes in two containers, or on two hosts, may have the same id.
///
/// - Parameters:
///   - check: Looks at the new file, once it is on the disk, before it takes the old one's place.
///   - write: Writes and closes the file of the name it gets.
/// - Throws: What `write` or `check` throws, or a `FileError`; then the temporary file is removed and `path` untouched.
public func replaceFile(
    at path: String, check: (_ temporaryPath: String) throws -> Void = { _ in },
    _ write: (_ temporaryPath: String) throws -> Void
) throws {
    let temporary = "\(path)\(partialMark)\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    do {
        try write(temporary)
        try synchronize(temporary)
        try check(temporary)
        guard FileWait.during(path, { unsafe rename(temporary, path) }) == 0 else {
            throw FileError(atFailureOf: path)
        }
    } catch {
        _ = unsafe unlink(temporary)
        throw error
    }
    try synchronize(folder(of: path))
}

/// What stands between a file's name and the random end of its temporary one.
public let partialMark = ".partial-"

/// Writes a whole file of text, or none, as `replaceFile` does; missing folders are made.
public func writeFile(_ text: String, to path: String) throws(FileError) {
    try createFolder(folder(of: path))
    do {
        try replaceFile(at: path) { temporary in
            let file = try OutputFile(creating: temporary)
            try file.write(Array(text.utf8))
            try file.close()
        }
    } catch var error as FileError {
        error.path = path
        throw error
    } catch {
        throw FileError(path: path, error)
    }
}

/// Waits until a file's bytes, or a folder's names, are on the disk.
///
/// - Throws: If it cannot be opened or the disk refuses, as a full one may do this late.
public func synchronize(_ path: String) throws(FileError) {
    let descriptor = FileWait.during(path) {
        PassingFault.retry { unsafe open(path, O_RDONLY | O_CLOEXEC) }
    }
    guard descriptor >= 0 else { throw FileError(atFailureOf: path) }
    defer { _ = close(descriptor) }
    // Not again after another failure: the system may have dropped what it could not write, and would then say that all is well.
    // Some file systems cannot sync a folder and say EINVAL; there is nothing better to do there.
    let synced = FileWait.during(path) { PassingFault.uninterrupted { fsync(descriptor) } }
    guard synced == 0 || errno == EINVAL else {
        throw FileError(atFailureOf: path)
    }
}
