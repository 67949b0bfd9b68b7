internal import Checksums
internal import Foundation

/// Files by their relative path: a folder on the disk, or what an archive would unpack to.
public protocol FileTree: Sendable {
    /// The folder's or the archive's own path.
    var path: String { get }

    /// Changes when an archive changes: its size and date; empty for a folder.
    var identity: String { get }

    /// The relative paths of all files, sorted by their bytes; hidden ones, and those in hidden folders, left out.
    func files() throws(DatasetError) -> [String]

    /// Whether there is a file of this path.
    func contains(_ file: String) -> Bool

    /// A file's bytes.
    ///
    /// - Throws: If it is not there, cannot be read, or is larger than an image can be.
    func contents(of file: String) throws(DatasetError) -> [UInt8]

    /// Where a file lies, for errors.
    func place(of file: String) -> String
}

extension FileTree {
    public var identity: String { "" }
}

/// The files below a folder on the disk.
public struct Folder: FileTree {
    public let path: String

    public init(_ path: String) throws(DatasetError) {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw DatasetError(action: "open folder", place: path, reason: "no such file or directory")
        }
        guard isFolder.boolValue else {
            throw DatasetError(action: "open folder", place: path, reason: "it is no folder")
        }
        self.path = path
    }

    public func files() throws(DatasetError) -> [String] {
        guard let names = FileManager.default.enumerator(atPath: path) else {
            throw DatasetError(action: "list folder", place: path, reason: "it cannot be read")
        }
        var files: [String] = []
        for case let name as String in names where isVisible(name) {
            if names.fileAttributes?[.type] as? FileAttributeType != .typeDirectory { files.append(name) }
        }
        return sortedByBytes(files)
    }

    public func contains(_ file: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(file)")
    }

    public func contents(of file: String) throws(DatasetError) -> [UInt8] {
        let opened = try ReadableFile("\(path)/\(file)")
        if let error = tooLarge(opened.byteCount, place: opened.path) { throw error }
        return try opened.read(at: 0, count: opened.byteCount)
    }

    public func place(of file: String) -> String { "\(path)/\(file)" }
}

/// What is wrong with an image file of so many bytes; `nil` if nothing is.
///
/// More than 1 GiB is taken for something else that lies among the images, such as an archive.
func tooLarge(_ byteCount: Int, place: String) -> DatasetError? {
    let limit = 1 << 30
    guard byteCount > limit else { return nil }
    return DatasetError(
        action: "read image", place: place,
        reason: "the file has \(byteCount) bytes, expected at most \(limit)")
}

/// Whether no part of a path begins with a dot.
func isVisible(_ path: String) -> Bool {
    !path.split(separator: "/").contains { $0.hasPrefix(".") }
}

/// In an order that no language setting changes.
func sortedByBytes(_ paths: [String]) -> [String] {
    paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// A file's size and the time of its last change, to the nanosecond; empty where there is no file.
func fileIdentity(_ path: String) -> String {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return "" }
    return "\(status.st_size) bytes of \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
}

/// A checksum of a list of paths, 16 hexadecimal digits.
func pathsHash(_ paths: [String]) -> String {
    var check = CRC64()
    for path in paths { check.update(Array("\(path)\n".utf8)) }
    return check.hexadecimal
}
