internal import Glibc

/// The folders of `path`, itself included, that are not there, innermost first.
public func missingFolders(_ path: String) -> [String] {
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

/// Deletes a folder if nothing is in it.
public func removeEmptyFolder(_ path: String) { _ = unsafe rmdir(path) }
