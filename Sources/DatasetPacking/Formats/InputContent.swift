internal import Datasets
internal import Files
internal import Foundation
internal import SystemPackage

/// What the first bytes and the names of the first files say about an input, read on demand and
/// once for all formats.
final class InputContent {
    enum Form {
        case missing, folder, file
        /// A pipe or a device.
        case special
    }

    let path: String
    let form: Form

    /// By the first bytes; `nil` for a folder and for a file that cannot be read.
    private(set) lazy var kind: FileKind? = form == .file ? (try? readHead(path)).map { FileKind($0) } : nil

    /// The kind of a compressed file's content; `nil` if it is not compressed or cannot be unpacked.
    private(set) lazy var unpackedKind: FileKind? = kind?.isCompressed == true ? kindOfContent(path) : nil

    /// The first files of a tar, at most eight, without hidden ones: up to the first archive, and
    /// not far behind the first image if they are large, since a compressed tar is unpacked for them.
    private(set) lazy var tarFiles: [FilePath] = isReadAsTar ? firstFiles(inTar: path) : []

    /// What a zip archive holds, by the first of its files that tells.
    private(set) lazy var zipFile: FilePath? = kind == .zip ? firstFile(inZip: path) : nil

    /// The visible names in a folder in the order of their bytes.
    private(set) lazy var names: [String] =
        form == .folder
        ? sortedByBytes((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter {
            !$0.hasPrefix(".")
        } : []

    /// Inspects the file or folder at `path`.
    init(_ path: String) {
        self.path = path
        var isFolder: ObjCBool = false
        if unsafe !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            form = .missing
        } else if isFolder.boolValue {
            form = .folder
        } else {
            // Pipes and devices are not read, since their first byte may never come.
            form = isRegularFile(path) ? .file : .special
        }
    }

    /// Whether it is a tar, compressed or not.
    var isTar: Bool { kind == .tar || unpackedKind == .tar }

    /// Whether the tar reader is to read it, and to report why it cannot: a tar, or a compressed
    /// file that cannot be unpacked or holds zeros.
    var isReadAsTar: Bool {
        guard form == .file, let kind else { return false }
        return kind == .tar || kind.isCompressed && [nil, .tar, .zeros].contains(unpackedKind)
    }

    /// Whether the first bytes leave the kind open, so that the name decides.
    var isUnknown: Bool { kind == .unknown || kind == .zeros }

    /// Whether the name ends like that of a tar, compressed or not.
    var hasTarName: Bool { isTarName(path) }

    /// For a folder without images, archives and subfolders: the kind of a file in it that cannot be
    /// packed as an image, and the file's name.
    private(set) lazy var held: (kind: FileKind, file: String)? = heldFile()

    private func heldFile() -> (kind: FileKind, file: String)? {
        for name in names.map({ FilePath($0) }) where hasImageEnding(name) || classNameOfArchive(name) != nil
        {
            return nil
        }
        for name in names.prefix(100) where isRegularFile("\(path)/\(name)") {
            guard let head = try? readHead("\(path)/\(name)") else { continue }
            switch FileKind(head) {
            case .empty, .text, .webPage, .unknown, .zeros, .jpeg, .png, .webP, .pickle: continue
            case let kind:
                return names.contains { !isRegularFile("\(path)/\($0)") } ? nil : (kind, name)
            }
        }
        return nil
    }
}

/// Whether a file's name is that of a tar, compressed or not.
func isTarName(_ path: String) -> Bool {
    let name = lastName(of: path).lowercased()
    return [".tar", ".tgz", ".tbz2", ".txz"].contains(where: name.hasSuffix)
        || [".gz", ".bz2", ".xz", ".zst"].contains { name.hasSuffix(".tar\($0)") }
}

private func kindOfContent(_ path: String) -> FileKind? {
    guard var reader = try? ArchiveReader(path, .raw), (try? reader.nextEntry()) != nil,
        let head = try? reader.read(atMost: FileKind.headByteCount)
    else { return nil }
    return FileKind(head)
}

private func firstFiles(inTar path: String) -> [FilePath] {
    guard var reader = try? ArchiveReader(path, .tar) else { return [] }
    var files: [FilePath] = []
    var (hasImage, byteCount) = (false, 0)
    while files.count < 8, !hasImage || byteCount < 128 << 20, let entry = try? reader.nextEntry() {
        guard entry.isFile, entry.name.isVisible else { continue }
        files.append(entry.name)
        if files.count == 1, classNameOfArchive(entry.name) != nil { break }
        hasImage = hasImage || hasImageEnding(entry.name)
        byteCount += min(max(entry.byteCount, 0), 128 << 20)
    }
    return files
}

private func firstFile(inZip path: String) -> FilePath? {
    guard var reader = try? ArchiveReader(path, .zip) else { return nil }
    var count = 0
    while count < 64, let entry = try? reader.nextEntry() {
        count += 1
        guard entry.isFile else { continue }
        if entry.name.extension == "npy" || lastName(of: entry.name) == "data.pkl"
            || hasImageEnding(entry.name)
        {
            return entry.name
        }
    }
    return nil
}

private func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
}

private func readHead(_ path: String) throws(DatasetError) -> [UInt8] {
    let file = try ReadableFile(path)
    return try file.read(at: 0, count: min(file.byteCount, FileKind.headByteCount))
}
