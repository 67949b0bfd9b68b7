internal import Checksums
package import Datasets
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

extension Folder: FileTree {}

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
