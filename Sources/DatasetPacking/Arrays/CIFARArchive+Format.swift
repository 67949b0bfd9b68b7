internal import Datasets
internal import Files
internal import Foundation
internal import SystemPackage

extension DatasetFormat {
    static let cifar10 = cifar(.cifar10, "CIFAR-10: the official archive, its folder, or single files")
    static let cifar100 = cifar(.cifar100, "CIFAR-100, likewise")

    private static func cifar(_ variant: CIFARArchive.Variant, _ summary: String) -> DatasetFormat {
        DatasetFormat(
            variant.rawValue, summary, options: [.part], takesSeveralFiles: true,
            rows: [
                Row(
                    "CIFAR-10, CIFAR-100",
                    #"`cifar-10-python.tar.gz`, `cifar-10-binary.tar.gz`, `cifar-100-…`, with `--split train\|test\|all`"#,
                    "read as they are, about 180 MB of memory; also the unpacked folder, or single files")
            ],
            recognize: { content, options in variant.certainty(of: content, options) },
            open: { try openCIFAR(variant, $0) })
    }
}

/// An official archive or its folder has several parts and needs `--split`; single files do not.
private func openCIFAR(_ variant: CIFARArchive.Variant, _ options: SourceOptions) throws -> any RecordSource {
    let files = try options.files()
    guard files.count == 1, isFolder(files[0]) || InputContent(files[0]).isTar else {
        guard options.split == nil else {
            throw SourceOptionError(
                "--split goes with an official archive or its folder, not with single files")
        }
        return try CIFARArchive(files, variant)
    }
    guard case .part(let part) = options.split, let split = CIFARArchive.Split(rawValue: part) else {
        throw SourceOptionError("\(files[0]) holds training and test images: --split train, test or all")
    }
    return try CIFARArchive(archive: files[0], variant, split)
}

extension CIFARArchive.Variant {
    fileprivate func certainty(
        of content: InputContent, _ options: SourceOptions
    ) -> DatasetFormat.Certainty? {
        switch content.form {
        case .missing, .special: return nil
        case .folder:
            // With an image list it is a folder or an archive of image files.
            return options.list == nil && Self.among(officialPaths(in: content)) == self ? .entries : nil
        case .file: break
        }
        if content.isReadAsTar {
            guard options.list == nil, !content.tarFiles.contains(where: hasImageEnding) else { return nil }
            return Self.among(content.tarFiles.map(\.text)) == self ? .entries : nil
        }
        // A binary batch has no header, so that its official name decides.
        guard content.kind == .pickle || content.isUnknown else { return nil }
        return files(of: .all).contains(stem(content.path)) ? .name : nil
    }

    /// The variant whose official files are among `paths`. CIFAR-100's files are called `train` and
    /// `test`, so they count only beside its files of class names, or in a folder named
    /// `cifar-100`.
    private static func among(_ paths: [String]) -> Self? {
        let stems = paths.map(stem)
        let batches = Set(cifar10.files(of: .all))
        if stems.contains(where: batches.contains) { return .cifar10 }
        let parts = Set(cifar100.files(of: .all))
        guard stems.contains(where: parts.contains) else { return nil }
        let isNamed = paths.contains { parts.contains(stem($0)) && $0.contains("cifar-100") }
        let names = ["meta", "fine_label_names.txt", "coarse_label_names.txt"]
        return isNamed || stems.contains(where: names.contains) ? .cifar100 : nil
    }
}

/// The files of a folder, and of the folder in it that an official archive unpacks to.
private func officialPaths(in content: InputContent) -> [String] {
    let own = lastName(of: content.path)
    return content.names.flatMap { name in
        let inner =
            name.hasPrefix("cifar-10")
            ? (try? FileManager.default.contentsOfDirectory(atPath: "\(content.path)/\(name)")) ?? [] : []
        return inner.map { "\(name)/\($0)" } + ["\(own)/\(name)"]
    }
}

/// The name of a batch without the `.bin` of the binary version.
private func stem(_ path: String) -> String { lastName(of: path).replacing(".bin", with: "") }
