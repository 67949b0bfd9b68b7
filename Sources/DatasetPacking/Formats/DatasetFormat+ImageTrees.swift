internal import Datasets
internal import SystemPackage

/// Trees of image files: a folder, or the content of an archive.
extension DatasetFormat {
    static let folder = DatasetFormat(
        "folder", "one folder of images per class; images with --list or --devkit",
        options: .ofTrees, rows: treeRows,
        recognize: { content, _ in
            switch content.form {
            case .folder: content.held == nil ? .container : nil
            case .missing, .special: .word
            case .file: nil
            }
        },
        open: { try openTree(Folder($0.inputs[0]), $0) })

    static let tar = DatasetFormat(
        "tar", "a tar of such a folder, plain or by gzip, bzip2, xz or zstd",
        options: .ofTrees, rows: treeRows,
        recognize: { content, _ in
            guard content.form == .file else { return nil }
            // The tar reader says why a file cannot be read or unpacked.
            if content.kind == nil || content.isReadAsTar { return .container }
            return content.hasTarName && (content.isUnknown || content.unpackedKind == .unknown) ? .word : nil
        },
        open: { try openTree(TarArchive($0.inputs[0]), $0) })

    static let zip = DatasetFormat(
        "zip", "a zip of such a folder",
        options: .ofTrees, rows: treeRows,
        recognize: { content, _ in
            guard content.kind == .zip else { return nil }
            return content.zipFile.map(hasImageEnding) ?? true ? .container : nil
        },
        open: { try openTree(ZipTree($0.inputs[0]), $0) })

    private static let treeRows = [
        Row(
            "one folder per class",
            "the folder, a tar of it (plain, or compressed by gzip, bzip2, xz or zstd), or a zip",
            "labels follow the order of the folders' names, `--class-names` or `--class-order FILE`"),
        Row(
            "ImageNet's validation images",
            "`ILSVRC2012_img_val.tar`, or the folder it unpacks to, with `--devkit ILSVRC2012_devkit_t12.tar.gz`",
            "labels follow the sorted names"),
        Row(
            "an image list", "`--list FILE` and the folder or archive its paths are relative to",
            "OpenOOD's `path label` lines"),
    ]
}

private func openTree(_ images: any FileTree, _ options: SourceOptions) throws -> any RecordSource {
    if let devkit = options.devkit {
        return try ImageNetValidation(images, ImageNetDevkit(devkit), path: devkit)
    }
    if let list = options.list { return try ImageList(list, images: images) }
    return try ImageFolder(
        images, outOfDistribution: options.isOutOfDistribution, order: options.givenOrder())
}
