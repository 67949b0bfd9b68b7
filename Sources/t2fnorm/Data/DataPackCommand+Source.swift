import ArgumentParser
import Datasets
import Foundation

extension DataPackCommand {
    /// The reader of what was named.
    func makeSource() throws -> any RecordSource {
        let format = try resolvedFormatOfArchive()
        try check(optionsFor: format)
        switch format {
        case .folder: return try imageSource(Folder(inputs[0]))
        case .tar: return try imageSource(TarArchive(inputs[0]))
        case .cifar10: return try cifarSource(.cifar10)
        case .cifar100: return try cifarSource(.cifar100)
        case .nestedTar: return try nestedSource(inputs[0], order: givenOrder())
        case .svhn: return try SVHNArchive(inputs[0])
        case .idx, .auto:
            let beside = inputs[0].replacing("images-idx3", with: "labels-idx1")
            let isThere = beside != inputs[0] && FileManager.default.fileExists(atPath: beside)
            guard let labels = labels ?? (isThere ? beside : nil) else {
                throw ValidationError("an idx set needs its labels: --labels FILE")
            }
            return try IDXArchive(images: inputs[0], labels: labels, transposed: transpose)
        }
    }

    /// Looks into an archive whose kind was not given.
    private func resolvedFormatOfArchive() throws -> Format {
        guard format == .auto, list == nil, devkit == nil else { return resolvedFormat }
        if resolvedFormat == .folder, NestedTarIndex.isFolderOfArchives(inputs[0]) { return .nestedTar }
        guard resolvedFormat == .tar else { return resolvedFormat }
        return try NestedTarArchive.isNested(inputs[0]) ? .nestedTar : .tar
    }

    /// An archive or folder has several parts; single files are read as they are named.
    private func cifarSource(_ variant: CIFARArchive.Variant) throws -> any RecordSource {
        guard inputs.count == 1, isTar(inputs[0]) || isFolder(inputs[0]) else {
            guard split == nil else {
                throw ValidationError(
                    "--split goes with an official archive or its folder, not with single files")
            }
            return try CIFARArchive(inputs, variant)
        }
        guard case .part(let part) = split, let split = CIFARArchive.Split(rawValue: part) else {
            throw ValidationError("\(inputs[0]) holds training and test images: --split train, test or all")
        }
        return try CIFARArchive(archive: inputs[0], variant, split)
    }

    /// In any order where the archives can be read so.
    private func nestedSource(_ path: String, order: ClassOrder?) throws -> any RecordSource {
        if let index = try NestedTarIndex(path, order: order) { return index }
        return try NestedTarArchive(path, order: order)
    }

    private func imageSource(_ images: any FileTree) throws -> any RecordSource {
        if let devkit { return try ImageNetValidation(images, ImageNetDevkit(devkit), path: devkit) }
        if let list { return try ImageList(list, images: images) }
        return try ImageFolder(images, outOfDistribution: outOfDistribution, order: givenOrder())
    }

    var resolvedFormat: Format {
        guard format == .auto else { return format }
        let file = URL(filePath: inputs[0]).lastPathComponent.lowercased()
        if file.hasPrefix("cifar-100-") { return .cifar100 }
        if file.hasPrefix("cifar-10-") { return .cifar10 }
        if isTar(file) { return .tar }
        if file.hasSuffix(".mat") { return .svhn }
        return file.contains("idx") ? .idx : .folder
    }

    var cifarVariant: CIFARArchive.Variant? {
        switch resolvedFormat {
        case .cifar10: .cifar10
        case .cifar100: .cifar100
        default: nil
        }
    }
}

private func isTar(_ path: String) -> Bool {
    [".tar", ".tar.gz", ".tgz"].contains(where: path.lowercased().hasSuffix)
}

func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}
