package import Datasets
internal import Foundation
internal import SystemPackage

/// The format of a source of images, detected from its content; file names decide only if the bytes
/// do not.
package enum SourceKind: Equatable, Sendable {
    case folder, tar, nestedTar, zip, npy, npz, svhn, idx
    case cifar(CIFARArchive.Variant)
    /// A file of a kind that cannot be packed.
    case other(FileKind)
    /// A folder without images and subfolders, but with a file of this kind.
    case holding(FileKind, file: String)

    /// Inspects the file or folder at `path`; a path that does not exist counts as a folder.
    package init(_ path: String) {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            self = .folder
            return
        }
        // Pipes and devices are not read, since their first byte may never come. As `.folder` they
        // get the error that they are not a folder.
        let isFile = Self.isRegularFile(path)
        self = isFolder.boolValue ? Self.ofFolder(path) : isFile ? Self.ofFile(path) : .folder
    }

    private static func ofFile(_ path: String) -> SourceKind {
        // If the file cannot be opened, the tar reader reports why.
        guard let head = try? readHead(path) else { return .tar }
        switch FileKind(head) {
        case .tar: return ofTar(path)
        case let kind where kind.isCompressed: return ofCompressed(path, kind)
        case .zip: return ofZip(path)
        case .npy: return .npy
        case .idx: return .idx
        case .matlab: return .svhn
        case .hdf5 where path.lowercased().hasSuffix(".mat"): return .svhn
        case .pickle: return ofBatch(path) ?? .other(.pickle)
        case .unknown, .zeros: return ofBatch(path) ?? byEnding(path)
        case let kind: return .other(kind)
        }
    }

    /// Whether a file is a tar, compressed or not.
    package static func isTar(_ path: String) -> Bool {
        guard let head = try? readHead(path) else { return false }
        let kind = FileKind(head)
        return kind == .tar || kind.isCompressed && unpackedKind(path) == .tar
    }

    /// The kind of a compressed file's content; `nil` if it cannot be unpacked.
    private static func unpackedKind(_ path: String) -> FileKind? {
        guard var reader = try? ArchiveReader(path, .raw), (try? reader.nextEntry()) != nil,
            let head = try? reader.read(atMost: FileKind.headByteCount)
        else { return nil }
        return FileKind(head)
    }

    /// The format inside a compressed file; if it cannot be unpacked, the tar reader reports why.
    private static func ofCompressed(_ path: String, _ outer: FileKind) -> SourceKind {
        switch unpackedKind(path) {
        case .tar, .zeros, nil: return ofTar(path)
        case .idx: return .idx
        case .unknown where isTarName(path): return .tar
        case .unknown, .empty, .text, .pickle: return .other(outer)
        case let inner?: return .other(inner)
        }
    }

    /// The format of a tar, by its first few files.
    private static func ofTar(_ path: String) -> SourceKind {
        guard var reader = try? ArchiveReader(path, .tar) else { return .tar }
        var seen: [String] = []
        while seen.count < 8, let entry = try? reader.nextEntry() {
            guard entry.isFile, entry.name.isVisible else { continue }
            if seen.isEmpty, classNameOfArchive(entry.name) != nil { return .nestedTar }
            if hasImageEnding(entry.name) { return .tar }
            seen.append(entry.name.text)
        }
        return cifar(amongFiles: seen).map { .cifar($0) } ?? .tar
    }

    private static func ofZip(_ path: String) -> SourceKind {
        guard var reader = try? ArchiveReader(path, .zip) else { return .zip }
        var count = 0
        while count < 64, let entry = try? reader.nextEntry() {
            count += 1
            guard entry.isFile else { continue }
            if entry.name.extension == "npy" { return .npz }
            if lastName(of: entry.name) == "data.pkl" { return .other(.pyTorch) }
            if hasImageEnding(entry.name) { return .zip }
        }
        return .zip
    }

    private static func ofFolder(_ path: String) -> SourceKind {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        var files: [String] = []
        for name in sortedByBytes(names) where !name.hasPrefix(".") {
            // The official archives unpack to one folder.
            if name.hasPrefix("cifar-10") {
                let inner = (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(name)")) ?? []
                files += inner.map { "\(name)/\($0)" }
            }
            files.append(name)
        }
        let own = lastName(of: path)
        if let variant = cifar(amongFiles: files.map { $0.contains("/") ? $0 : "\(own)/\($0)" }) {
            return .cifar(variant)
        }
        return holding(path, files) ?? .folder
    }

    /// `.holding` for a folder of other files; `nil` if it contains images, archives or subfolders.
    private static func holding(_ path: String, _ names: [String]) -> SourceKind? {
        for name in names.map({ FilePath($0) }) where hasImageEnding(name) || classNameOfArchive(name) != nil
        {
            return nil
        }
        for name in names.prefix(100) where isRegularFile("\(path)/\(name)") {
            guard let head = try? readHead("\(path)/\(name)") else { continue }
            switch FileKind(head) {
            case .empty, .text, .webPage, .unknown, .zeros, .jpeg, .png, .webP, .pickle: continue
            case let kind: return hasFolders(path, names) ? nil : .holding(kind, file: name)
            }
        }
        return nil
    }

    private static func hasFolders(_ path: String, _ names: [String]) -> Bool {
        names.contains { !isRegularFile("\(path)/\($0)") }
    }

    /// The variant whose official files are among `paths`. CIFAR-100's files are called `train` and
    /// `test`, so they count only beside its files of class names, or in a folder named
    /// `cifar-100`.
    private static func cifar(amongFiles paths: [String]) -> CIFARArchive.Variant? {
        let stems = paths.map { lastName(of: $0).replacing(".bin", with: "") }
        let batches = Set(CIFARArchive.Variant.cifar10.files(of: .all))
        if stems.contains(where: batches.contains) { return .cifar10 }
        let parts = Set(CIFARArchive.Variant.cifar100.files(of: .all))
        guard stems.contains(where: parts.contains) else { return nil }
        let isNamed = paths.contains { path in
            parts.contains(lastName(of: path).replacing(".bin", with: "")) && path.contains("cifar-100")
        }
        let names = ["meta", "fine_label_names.txt", "coarse_label_names.txt"]
        return isNamed || stems.contains(where: names.contains) ? .cifar100 : nil
    }

    /// A single CIFAR batch, recognised by its official name: a binary batch has no header.
    private static func ofBatch(_ path: String) -> SourceKind? {
        let stem = lastName(of: path).replacing(".bin", with: "")
        for variant in CIFARArchive.Variant.allCases where variant.files(of: .all).contains(stem) {
            return .cifar(variant)
        }
        return nil
    }

    private static func byEnding(_ path: String) -> SourceKind {
        let name = lastName(of: path).lowercased()
        if name.hasSuffix(".mat") { return .svhn }
        if isTarName(name) { return .tar }
        return name.contains("idx") ? .idx : .other(.unknown)
    }

    private static func isTarName(_ path: String) -> Bool {
        let name = lastName(of: path).lowercased()
        return name.contains(".tar") || name.hasSuffix(".tgz") || name.hasSuffix(".tbz2")
            || name.hasSuffix(".txz")
    }

    private static func isRegularFile(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    private static func readHead(_ path: String) throws(DatasetError) -> [UInt8] {
        let file = try ReadableFile(path)
        return try file.read(at: 0, count: min(file.byteCount, FileKind.headByteCount))
    }
}

extension SourceKind {
    /// Why the file or folder at `path` cannot be packed, and what to do about it; `nil` if it can.
    package func refusal(of path: String) -> DatasetError? {
        switch self {
        case .other(let kind):
            DatasetError(
                action: "pack", place: path, reason: kind == .empty ? "the file is empty" : "it is \(kind)",
                remedy: Self.remedy(kind))
        case .holding(let kind, let file):
            DatasetError(
                action: "pack", place: path,
                reason: "the folder has no images and no class folders, but \(kind): \(file)",
                remedy: Self.isReadAlone(kind) ? "name the file itself" : Self.remedy(kind))
        default: nil
        }
    }

    private static func isReadAlone(_ kind: FileKind) -> Bool {
        switch kind {
        case .npy, .idx, .matlab, .zip, .tar, .gzip, .bzip2, .xz, .zstd: true
        default: false
        }
    }

    private static func remedy(_ kind: FileKind) -> String {
        switch kind {
        case .jpeg, .png, .webP: "give the folder that it lies in; 't2fnorm score' takes single images"
        case .gif, .bmp, .tiff, .avif, .heic, .jpeg2000, .icon, .netpbm, .video:
            "give a folder of JPEG, PNG or WebP files"
        case .parquet, .arrow, .tfRecord, .lmdb, .sqlite, .hdf5:
            "write its images to one folder per class, or as uint8 [n, height, width, 3] to an .npz with labels"
        case .pickle:
            "only CIFAR's pickles are read (--format cifar10 or cifar100); save arrays with numpy.savez"
        case .pyTorch: "'t2fnorm import' reads models; save arrays of images with numpy.savez"
        case .npy: "uncompress it"
        case .sevenZip, .rar: "unpack it, and give the folder"
        case .gzip, .bzip2, .xz, .zstd, .otherCompression:
            "only compressed tar and idx files are read; uncompress it"
        case .lfsPointer: "run 'git lfs pull' in the repository it comes from"
        case .webPage: "download the file again: the server sent a web page instead"
        case .text:
            "to pack an image list, give the folder or archive of its images, and the list with --list"
        case .empty, .zeros: "download the file again"
        case .tar, .zip, .idx, .matlab, .unknown:
            "give a folder, a tar or zip archive of class folders, or one of the formats in docs/data.md"
        }
    }
}
