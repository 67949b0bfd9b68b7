internal import Datasets
internal import Files
internal import Foundation
internal import SystemPackage

/// The files with given names, anywhere in a folder or an archive, read into memory.
struct NamedFiles {
    struct File {
        /// The file's path, or the archive's path and the file's path in it.
        var place: String
        var bytes: [UInt8]
    }

    private static let largestByteCount = 1 << 28
    private let path: String
    private var files: [String: [File]] = [:]

    /// Reads the files; an archive once from front to back.
    init(_ names: Set<String>, in path: String) throws(DatasetError) {
        self.path = path
        if isFolder(path) {
            let folder = try Folder(path)
            for file in try folder.listing().files where names.contains(lastName(of: file)) {
                add(file, try folder.contents(of: file), folder.place(of: file))
            }
            return
        }
        var archive = try ArchiveReader(path, .tar)
        while let entry = try archive.nextEntry() {
            guard entry.isFile, names.contains(lastName(of: entry.name)) else { continue }
            let place = "\(path): \(entry.name.text)"
            guard entry.byteCount <= Self.largestByteCount else {
                throw DatasetError(
                    action: "read", place: place,
                    reason: "it has \(entry.byteCount) bytes, expected at most \(Self.largestByteCount)")
            }
            add(entry.name, try archive.read(atMost: entry.byteCount), place)
        }
    }

    /// The one file that has one of `names`; `nil` if there is none.
    ///
    /// - Throws: If there are several.
    func only(of names: [String]) throws(DatasetError) -> File? {
        let found = names.flatMap { files[$0] ?? [] }
        guard found.count <= 1 else {
            throw DatasetError(
                action: "read", place: path, reason: "there are both \(found[0].place) and \(found[1].place)",
                remedy: "give one of the folders")
        }
        return found.first
    }

    private mutating func add(_ file: FilePath, _ bytes: [UInt8], _ place: String) {
        files[lastName(of: file), default: []].append(File(place: place, bytes: bytes))
    }
}
