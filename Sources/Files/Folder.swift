internal import Glibc

/// Whether there is a file or folder at `path`.
///
/// - Throws: Where the system cannot say: what cannot be seen is not taken for missing.
public func fileExists(_ path: String) throws(FileError) -> Bool {
    var status = stat()
    guard PassingFault.retry({ unsafe stat(path, &status) }) != 0 else { return true }
    guard errno == ENOENT || errno == ENOTDIR else { throw FileError(atFailureOf: path) }
    return false
}

/// Whether `path` is a folder; `false` also where the system cannot say. Leaves `errno` as it is.
public func isFolder(_ path: String) -> Bool {
    let code = errno
    defer { errno = code }
    var status = stat()
    return PassingFault.retry { unsafe stat(path, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// The names in a folder, in any order; none if there is no such folder.
///
/// - Throws: Where the system cannot say: files that cannot be seen are not taken for missing.
public func namesInFolder(_ path: String) throws(FileError) -> [String] {
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

/// Makes a folder, with those above it; one that is there already is no error.
public func createFolder(_ path: String) throws(FileError) {
    if unsafe mkdir(path, 0o777) == 0 || isFolder(path) { return }
    let above = folder(of: path)
    guard errno == ENOENT, above != path, !isFolder(above) else { throw FileError(atFailureOf: path) }
    try createFolder(above)
    guard unsafe mkdir(path, 0o777) == 0 || isFolder(path) else { throw FileError(atFailureOf: path) }
}

/// The folder that a file or folder lies in.
func folder(of path: String) -> String {
    guard let slash = path.dropLast().lastIndex(of: "/") else { return path.hasPrefix("/") ? "/" : "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
