internal import Foundation

/// Files by their relative path: a folder on the disk, or what an archive would unpack to.
public protocol FileTree {
    /// The folder's or the archive's own path.
    var path: String { get }

    /// The relative paths of all files, sorted by their bytes; hidden ones, and those in hidden folders, left out.
    func files() throws(DatasetError) -> [String]

    /// A file's bytes.
    func contents(of file: String) throws(DatasetError) -> [UInt8]

    /// Where a file lies, for errors.
    func place(of file: String) -> String
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

    public func contents(of file: String) throws(DatasetError) -> [UInt8] {
        try ReadableFile.contents(of: "\(path)/\(file)")
    }

    public func place(of file: String) -> String { "\(path)/\(file)" }
}

/// Whether no part of a path begins with a dot.
func isVisible(_ path: String) -> Bool {
    !path.split(separator: "/").contains { $0.hasPrefix(".") }
}

/// In an order that no language setting changes.
func sortedByBytes(_ paths: [String]) -> [String] {
    paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
