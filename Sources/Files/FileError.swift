internal import Foundation

/// Why a file or folder could not be written: one line, in the system's own words.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    public var path: String
    public var reason: String
    /// Whether there is no descriptor left for it.
    public var isOutOfDescriptors: Bool

    public init(path: String, reason: String, isOutOfDescriptors: Bool = false) {
        self.path = path
        self.reason = reason
        self.isOutOfDescriptors = isOutOfDescriptors
    }

    /// What Foundation says about `path`.
    public init(path: String, _ error: any Error) {
        self.init(path: path, reason: Self.reason(of: error))
    }

    public var description: String {
        let remedy = "; check that the folder can be written to and the disk is not full"
        return "could not write \(path): \(reason)\(isOutOfDescriptors ? "" : remedy)"
    }

    /// The system's own words, which Foundation keeps one level down.
    private static func reason(of error: any Error) -> String {
        if let error = error as? FileError { return error.reason }
        let outer = error as NSError
        let inner = outer.userInfo[NSUnderlyingErrorKey] as? NSError ?? outer
        guard inner.domain == NSPOSIXErrorDomain else { return inner.localizedDescription }
        errno = Int32(inner.code)
        return systemMessage()
    }
}

/// Makes a folder, with those above it; one that is there already is no error.
public func createFolder(_ path: String) throws(FileError) {
    if unsafe mkdir(path, 0o777) == 0 || isFolder(path) { return }
    let above = folder(of: path)
    guard errno == ENOENT, above != path, !isFolder(above) else {
        throw FileError(path: path, reason: systemMessage())
    }
    try createFolder(above)
    guard unsafe mkdir(path, 0o777) == 0 || isFolder(path) else {
        throw FileError(path: path, reason: systemMessage())
    }
}

/// The folder that a file or folder lies in.
func folder(of path: String) -> String {
    guard let slash = path.dropLast().lastIndex(of: "/") else { return path.hasPrefix("/") ? "/" : "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Whether `path` is a folder; leaves `errno` as it is.
private func isFolder(_ path: String) -> Bool {
    let code = errno
    defer { errno = code }
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// The operating system's words for the last failed call on this thread, in lower case; which limit is reached and what to do where no
/// descriptor is left. Leaves `errno` as it is.
public func systemMessage() -> String {
    let code = errno
    defer { errno = code }
    if DescriptorLimit.isReached(code) { return DescriptorLimit.message(code) }
    return unsafe String(cString: strerror(code)).lowercased()
}
