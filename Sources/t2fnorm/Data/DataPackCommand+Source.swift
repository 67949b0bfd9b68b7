import ArgumentParser
import DatasetPacking
import Datasets
import Files
import Foundation

extension DataPackCommand {
    /// The format of the named inputs, detected once, and their reader.
    func makeSource() throws -> (Format, any RecordSource) {
        let format = try formatOfInputs()
        try check(optionsFor: format)
        return (format, try source(in: format))
    }

    private func source(in format: Format) throws -> any RecordSource {
        switch format {
        case .folder, .auto: return try imageSource(Folder(inputs[0]), format)
        case .tar: return try imageSource(TarArchive(inputs[0]), format)
        case .zip: return try imageSource(ZipTree(inputs[0]), format)
        case .cifar10: return try cifarSource(.cifar10)
        case .cifar100: return try cifarSource(.cifar100)
        case .nestedTar: return try nestedSource(inputs[0], order: givenOrder(format))
        case .svhn: return try SVHNArchive(inputs[0])
        case .npy: return try NumPyImages(images: inputs[0], labels: labelsOfArray())
        case .npz: return try arraySource(NumPyArchive(inputs[0]))
        case .idx:
            guard let labels = labels ?? IDXArchive.labelsBeside(inputs[0]) else {
                throw ValidationError("an idx set needs its labels: --labels FILE")
            }
            return try IDXArchive(images: inputs[0], labels: labels, transposed: transpose)
        }
    }

    /// The given format, or that of the first input by its content; throws for an unknown format.
    private func formatOfInputs() throws -> Format {
        guard format == .auto else { return format }
        let kind = SourceKind(inputs[0])
        if let refusal = kind.refusal(of: inputs[0]) { throw refusal }
        let found = format(of: kind)
        if found == .folder, list == nil, devkit == nil, NestedTarIndex.isFolderOfArchives(inputs[0]) {
            return .nestedTar
        }
        return found
    }

    /// An official archive or its folder has several parts and needs `--split`; single files do
    /// not.
    private func cifarSource(_ variant: CIFARArchive.Variant) throws -> any RecordSource {
        guard inputs.count == 1, SourceKind.isTar(inputs[0]) || isFolder(inputs[0]) else {
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

    /// With random access if the archives allow it.
    private func nestedSource(_ path: String, order: ClassOrder?) throws -> any RecordSource {
        if let index = try NestedTarIndex(path, order: order) { return index }
        return try NestedTarArchive(path, order: order)
    }

    private func imageSource(_ images: any FileTree, _ format: Format) throws -> any RecordSource {
        if let devkit { return try ImageNetValidation(images, ImageNetDevkit(devkit), path: devkit) }
        if let list { return try ImageList(list, images: images) }
        return try ImageFolder(images, outOfDistribution: outOfDistribution, order: givenOrder(format))
    }

    /// The path of an .npy set's labels; `nil` if none are needed.
    private func labelsOfArray() throws -> String? {
        if outOfDistribution { return nil }
        // Reports errors of the image file before a missing label file.
        _ = try NumPyImages(images: inputs[0], labels: nil)
        guard let labels = labels ?? NumPyImages.labelsBeside(inputs[0]) else {
            throw ValidationError(
                "\(inputs[0]) holds no labels: name them with --labels FILE.npy, or pack the images with --ood"
            )
        }
        return labels
    }

    private func arraySource(_ archive: NumPyArchive) throws -> any RecordSource {
        let parts: [String]
        switch split {
        case .part(let part) where part != "all": parts = [part]
        default: parts = archive.parts
        }
        guard split != nil || parts.count == 1 else {
            throw ValidationError(
                "\(inputs[0]) holds \(parts.joined(separator: ", ")) images: choose one of them or all with --split"
            )
        }
        return try archive.images(of: parts, isLabelled: !outOfDistribution)
    }

    /// The format of an input of this kind. With an image list it is always a folder or an archive
    /// of image files.
    private func format(of kind: SourceKind) -> Format {
        switch kind {
        case .cifar(let variant):
            guard list == nil else { return isFolder(inputs[0]) ? .folder : .tar }
            return variant == .cifar10 ? .cifar10 : .cifar100
        case .nestedTar: return list == nil ? .nestedTar : .tar
        case .tar: return .tar
        case .zip: return .zip
        case .npy: return .npy
        case .npz: return .npz
        case .svhn: return .svhn
        case .idx: return .idx
        case .folder, .other, .holding: return .folder
        }
    }

    /// Whether the first input belongs to a set that may consist of several files.
    var hasSeveralFiles: Bool {
        let found = format == .auto ? format(of: SourceKind(inputs[0])) : format
        return found == .cifar10 || found == .cifar100
    }
}
