internal import Checksums
internal import Foundation
package import SystemPackage

/// Files by relative path: a folder on the disk, or the content of an archive.
///
/// Paths are relative to the root of the tree, without `.` and `..`.
package protocol FileTree: Sendable {
    /// The folder's or the archive's own path.
    var path: String { get }

    /// A text that changes when an archive changes: its size and date; empty for a folder.
    var identity: String { get }

    /// The files and folders of the tree.
    func listing() throws(DatasetError) -> FileListing

    /// Whether there is a file at this path.
    func contains(_ file: FilePath) -> Bool

    /// A file's bytes.
    ///
    /// - Throws: If it does not exist, cannot be read, or is larger than an image can be.
    func contents(of file: FilePath) throws(DatasetError) -> [UInt8]

    /// Where a file lies, for errors.
    func place(of file: FilePath) -> String
}

extension FileTree {
    package var identity: String { "" }
}

/// The files and folders of a tree.
package struct FileListing: Sendable {
    /// The files, sorted by their bytes; hidden ones, and those in hidden folders, are left out.
    package var files: [FilePath]
    /// All folders, also those without a file; in any order.
    package var folders: Set<FilePath>
    package var passedOver: PassedOver

    /// - Parameter folders: The folders without a file; the others follow from `files`.
    package init(files: [FilePath], folders: Set<FilePath> = [], passedOver: PassedOver = PassedOver()) {
        self.files = sortedByBytes(files)
        self.folders = folders
        self.passedOver = passedOver
        for path in files + Array(folders) {
            var above = path.removingLastComponent()
            while !above.isEmpty, self.folders.insert(above).inserted {
                above = above.removingLastComponent()
            }
        }
    }

    /// The images, by file extension; the other files are added to `passedOver`.
    mutating func takeImages() -> [FilePath] {
        let images = files.filter(hasImageEnding)
        if images.count < files.count {
            for file in files where !hasImageEnding(file) { passedOver.add(file, .noImage) }
        }
        return images
    }
}

/// The files below a folder on the disk; links are followed.
package struct Folder: FileTree {
    package let path: String

    package init(_ path: String) throws(DatasetError) {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw DatasetError(action: "open folder", place: path, reason: "no such file or directory")
        }
        guard isFolder.boolValue else {
            throw DatasetError(action: "open folder", place: path, reason: "it is not a folder")
        }
        self.path = path
    }

    package func listing() throws(DatasetError) -> FileListing { try FolderWalk(path).listing }

    package func contains(_ file: FilePath) -> Bool {
        unsafe whole(file).withPlatformString { unsafe access($0, F_OK) == 0 }
    }

    package func contents(of file: FilePath) throws(DatasetError) -> [UInt8] {
        let opened = try ReadableFile(whole(file))
        if let error = tooLarge(opened.byteCount, place: opened.path) { throw error }
        return try opened.read(at: 0, count: opened.byteCount)
    }

    package func place(of file: FilePath) -> String { whole(file).text }

    private func whole(_ file: FilePath) -> FilePath { FilePath(path).appending(file.components) }
}

/// The error for an image file of more than 128 MiB; `nil` for a smaller file.
///
/// A larger file is probably something else among the images, such as an archive.
func tooLarge(_ byteCount: Int, place: String) -> DatasetError? {
    let limit = 1 << 27
    guard byteCount > limit else { return nil }
    return DatasetError(
        action: "read image", place: place,
        reason: "the file has \(byteCount) bytes, expected at most \(limit)")
}

/// A file's size and the time of its last change, to the nanosecond; empty if there is no file.
func fileIdentity(_ path: String) -> String {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return "" }
    return "\(status.st_size) bytes of \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
}

/// A checksum of a list of paths, 16 hexadecimal digits.
func pathsHash(_ paths: [FilePath]) -> String {
    var check = CRC64()
    for path in paths { check.update(path.bytes + [UInt8(ascii: "\n")]) }
    return check.hexadecimal
}
