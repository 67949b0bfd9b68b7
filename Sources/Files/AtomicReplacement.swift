internal import Glibc

/// Writes a file under a temporary name in the same folder, then syncs it, renames it to `path` and
/// syncs the folder.
///
/// A crash at any time leaves either the old or the new file intact. The temporary name is `path`,
/// `.partial-` and a random number, since processes in two containers or on two hosts may have the
/// same id.
///
/// - Parameters:
///   - check: Checks the new file after it is on the disk and before it replaces the old one.
///   - write: Writes and closes the file with the given name.
/// - Throws: What `write` or `check` throws, or a `FileError`; the temporary file is then removed,
///   and `path` is unchanged.
package func replaceFile(
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

/// The text between a file's name and the random end of its temporary name.
package let partialMark = ".partial-"

/// Writes a text file atomically, as `replaceFile` does; creates missing folders.
package func writeFile(_ text: String, to path: String) throws(FileError) {
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
/// - Throws: If it cannot be opened, or the disk reports an error; a full disk may do so only here.
package func synchronize(_ path: String) throws(FileError) {
    let descriptor = FileWait.during(path) {
        PassingFault.retry { unsafe open(path, O_RDONLY | O_CLOEXEC) }
    }
    guard descriptor >= 0 else { throw FileError(atFailureOf: path) }
    defer { _ = close(descriptor) }
    // Only an interrupted call is repeated: after another failure the system may have dropped the
    // data that it could not write, and would then report success. Some file systems cannot sync a
    // folder and report EINVAL; nothing better can be done there.
    let synced = FileWait.during(path) { PassingFault.uninterrupted { fsync(descriptor) } }
    guard synced == 0 || errno == EINVAL else {
        throw FileError(atFailureOf: path)
    }
}
