internal import Glibc

/// Whether there is a file or folder at `path`.
///
/// - Throws: If the system cannot tell: a file that cannot be examined does not count as missing.
package func fileExists(_ path: String) throws(FileError) -> Bool {
    var status = stat()
    guard PassingFault.retry({ unsafe stat(path, &status) }) != 0 else { return true }
    guard errno == ENOENT || errno == ENOTDIR else { throw FileError(atFailureOf: path) }
    return false
}

/// Whether `path` is a folder; `false` also if the system cannot tell. Leaves `errno` unchanged.
package func isFolder(_ path: String) -> Bool {
    let code = errno
    defer { errno = code }
    var status = stat()
    return PassingFault.retry { unsafe stat(path, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// The names in a folder, in any order; empty if the folder does not exist.
///
/// - Throws: If the system cannot tell: files that cannot be listed do not count as missing.
package func namesInFolder(_ path: String) throws(FileError) -> [String] {
    var names: [String] = []
    guard PassingFault.retry({ list(path, &names) }) == 0 else { throw FileError(atFailureOf: path) }
    return names
}

/// - Returns: 0, or −1 with the reason in `errno`.
private func list(_ path: String, _ names: inout [String]) -> Int32 {
    names = []
    guard let stream = unsafe opendir(path) else { return errno == ENOENT ? 0 : -1 }
    var code: Int32 = 0
    while true {
        errno = 0
        guard let entry = unsafe readdir(stream) else {
            code = errno
            break
        }
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
            unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    _ = unsafe closedir(stream)
    errno = code
    return code == 0 ? 0 : -1
}

/// Creates a folder and its missing parents; an existing folder is not an error.
package func createFolder(_ path: String) throws(FileError) {
    if unsafe mkdir(path, 0o777) == 0 || isFolder(path) { return }
    let above = folder(of: path)
    guard errno == ENOENT, above != path, !isFolder(above) else { throw FileError(atFailureOf: path) }
    try createFolder(above)
    guard unsafe mkdir(path, 0o777) == 0 || isFolder(path) else { throw FileError(atFailureOf: path) }
}

/// The parent folder of a file or folder.
func folder(of path: String) -> String {
    guard let slash = path.dropLast().lastIndex(of: "/") else { return path.hasPrefix("/") ? "/" : "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
