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
    let code = PassingFault.retry {
        names = []
        return unsafe forEachName(inFolder: path) { name, _ in names.append(unsafe String(cString: name)) }
    }
    guard code == 0 || errno == ENOENT else { throw FileError(atFailureOf: path) }
    return names
}

/// Calls `body` with each name in a folder but `.` and `..`, in any order, and the type of the entry
/// (`DT_REG`, …; `DT_UNKNOWN` on some file systems).
///
/// - Parameter body: Its first argument is valid only during the call.
/// - Returns: 0, or −1 with the reason in `errno`.
package func forEachName(
    inFolder path: UnsafePointer<CChar>, _ body: (UnsafePointer<CChar>, UInt8) -> Void
) -> Int32 {
    guard let stream = unsafe opendir(path) else { return -1 }
    var code: Int32 = 0
    while true {
        errno = 0
        guard let entry = unsafe readdir(stream) else {
            code = errno
            break
        }
        unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
            unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                guard unsafe strcmp(name, ".") != 0, unsafe strcmp(name, "..") != 0 else { return }
                unsafe body(name, entry.pointee.d_type)
            }
        }
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
