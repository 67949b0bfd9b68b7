internal import Foundation

/// A file that could not be written.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    public var path: String
    public var reason: String

    public var description: String {
        "could not write \(path): \(reason); check that the folder can be written to and the disk is not full"
    }
}

/// Writes a whole file or none: a crash leaves the old content or the new one.
///
/// New file in the same folder, synced, renamed over the old one, folder synced. Missing folders are made.
public func writeAtomically(_ text: String, to path: String) throws(FileError) {
    let target = URL(filePath: path)
    let folder = target.deletingLastPathComponent()
    let process = ProcessInfo.processInfo.processIdentifier
    let temporary = folder.appending(path: ".\(target.lastPathComponent).\(process).partial")
    do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: temporary)
        try synchronize(temporary)
        guard unsafe rename(temporary.path, target.path) == 0 else {
            throw POSIXError(POSIXError.Code(rawValue: errno) ?? .EIO)
        }
        try synchronize(folder)
    } catch {
        try? FileManager.default.removeItem(at: temporary)
        throw FileError(path: path, reason: reason(of: error))
    }
}

private func synchronize(_ url: URL) throws {
    let handle = try FileHandle(forReadingFrom: url)
    try handle.synchronize()
    try handle.close()
}

/// The system's own words, which Foundation keeps one level down.
private func reason(of error: any Error) -> String {
    let outer = error as NSError
    let inner = outer.userInfo[NSUnderlyingErrorKey] as? NSError ?? outer
    guard inner.domain == NSPOSIXErrorDomain else { return inner.localizedDescription }
    return unsafe String(cString: strerror(Int32(inner.code))).lowercased()
}
