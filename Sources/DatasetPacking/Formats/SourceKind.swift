package import Datasets

/// What an input is, by its content; file names decide only if the bytes do not.
package enum SourceKind: Equatable, Sendable {
    case format(DatasetFormat)
    /// A file of a kind that cannot be packed.
    case other(FileKind)
    /// A folder without images and subfolders, but with a file of this kind.
    case holding(FileKind, file: String)

    /// Inspects the file or folder at `path`; a path that does not exist counts as a folder, and so
    /// does a pipe or a device: both get the error that they are not a folder.
    package init(_ path: String) { self.init(InputContent(path), SourceOptions(inputs: [path])) }

    /// - Parameter options: An image list or a devkit excludes formats with labels of their own.
    init(_ content: InputContent, _ options: SourceOptions) {
        if let format = DatasetFormat.recognized(content, options) {
            self = .format(format)
        } else if let (kind, file) = content.held {
            self = .holding(kind, file: file)
        } else {
            self = .other(Self.kind(of: content))
        }
    }

    /// The kind to name: that of a compressed file's content, if it is known.
    private static func kind(of content: InputContent) -> FileKind {
        guard let kind = content.kind else { return .unknown }
        if content.zipFile.map({ lastName(of: $0) == "data.pkl" }) ?? false { return .pyTorch }
        switch content.unpackedKind {
        case nil, .unknown, .empty, .text, .pickle: return kind
        case let inner?: return inner
        }
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
