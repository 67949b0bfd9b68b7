internal import Glibc

/// The folders of `path`, including itself, that do not exist, innermost first.
package func missingFolders(_ path: String) -> [String] {
    var missing: [String] = []
    var path = path
    while unsafe access(path, F_OK) != 0 && errno == ENOENT {
        missing.append(path)
        let above = folder(of: path)
        guard above != path else { break }
        path = above
    }
    return missing
}

/// Deletes a folder if it is empty.
package func removeEmptyFolder(_ path: String) { _ = unsafe rmdir(path) }
