internal import Foundation
package import SystemPackage

/// The files below a folder on the disk; links are followed.
package struct Folder: Sendable {
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
package func tooLarge(_ byteCount: Int, place: String) -> DatasetError? {
    let limit = 1 << 27
    guard byteCount > limit else { return nil }
    return DatasetError(
        action: "read image", place: place,
        reason: "the file has \(byteCount) bytes, expected at most \(limit)")
}
