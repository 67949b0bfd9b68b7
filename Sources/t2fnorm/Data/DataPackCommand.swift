public import ArgumentParser
public import Datasets
import Foundation

struct DataPackCommand: SingleProcessCommand {
    /// How images lie in what is packed.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case auto, folder, tar, cifar10, cifar100, svhn, idx
    }

    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Packs images that people have into a dataset.",
        discussion: """
            Takes a folder or a tar or tar.gz archive with one sub-folder a class; either with an image list of OpenOOD ('path \
            label' a line); CIFAR-10 or CIFAR-100, the official archives as they are (Python or binary version), unpacked or file by \
            file; SVHN's .mat files; idx files of MNIST, Fashion-MNIST and EMNIST, gzipped or not.

              t2fnorm data pack photos/ --output data/photos
              t2fnorm data pack cifar10-train.tar.gz --list train_cifar10.txt --class-count 10 --output data/cifar10/train
              t2fnorm data pack cifar-10-python.tar.gz --split train --output data/cifar10/train
              t2fnorm data pack test_32x32.mat --ood --output data/svhn
              t2fnorm data pack test_batch.bin --format cifar10 --output data/cifar10/test
              t2fnorm data pack t10k-images-idx3-ubyte.gz --labels t10k-labels-idx1-ubyte.gz --ood --output data/mnist
            """)

    @Argument(help: "A folder, an archive, or the files of a set.")
    var inputs: [String]

    @Option(help: "The dataset's folder; must not exist yet.")
    var output: String

    @Option(help: "The dataset's name in tables; the output folder's by default.")
    var name: String?

    @Option(help: "How the images lie: \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format = Format.auto

    @Option(
        help: ArgumentHelp("An image list, with paths relative to the folder or archive.", valueName: "file"))
    var list: String?

    @Option(
        help: ArgumentHelp(
            "The labels of an idx set; by default the file beside the images with 'labels-idx1' for 'images-idx3'.",
            valueName: "file"))
    var labels: String?

    @Option(
        help:
            "The part of an official CIFAR archive: \(CIFARArchive.Split.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var split: CIFARArchive.Split?

    @Flag(help: "Exchange rows and columns: EMNIST's images lie on their side.")
    var transpose = false

    @Flag(name: .customLong("ood"), help: "Out-of-distribution: every label becomes -1.")
    var outOfDistribution = false

    @Option(help: ArgumentHelp("Labels must lie in 0..<n; where the source does not say.", valueName: "n"))
    var classCount: Int?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Class names in the order of labels; where the source does not say.", valueName: "name"))
    var classNames: [String] = []

    @Option(help: ArgumentHelp("Pack the first n records only.", valueName: "n"))
    var limit: Int?

    @Option(
        help: """
            'pixels' stores decoded images of one size, 'encoded' the files as they are, 'auto' pixels if the first image is \
            at most 64×64.
            """)
    var layout = PackingOptions.Layout.automatic

    @Option(help: ArgumentHelp("Records in a shard of pixels.", valueName: "n"))
    var shardSize = PackingOptions().recordsPerShard

    @Option(help: ArgumentHelp("Threads that decode.", valueName: "n"))
    var threads = 1

    @Flag(help: "Replace a dataset that is already there.")
    var overwrite = false

    func validate() throws {
        guard shardSize >= 1, threads >= 1, limit ?? 1 >= 1, classCount ?? 1 >= 1 else {
            throw ValidationError("--shard-size, --threads, --limit and --class-count are 1 or more")
        }
        guard cifarVariant != nil || inputs.count == 1 else {
            throw ValidationError("only CIFAR sets have several files; name one folder or archive")
        }
    }

    func run() throws {
        var options = PackingOptions()
        options.layout = layout
        options.outOfDistribution = outOfDistribution
        options.limit = limit
        options.classNames = classNames.isEmpty ? nil : classNames
        options.classCount = classCount
        options.recordsPerShard = shardSize
        options.overwrite = overwrite
        options.threads = threads
        try pack(
            try makeSource(), name: name ?? URL(filePath: output).lastPathComponent, to: output, options)
    }

    private func makeSource() throws -> any RecordSource {
        switch resolvedFormat {
        case .folder: return try imageSource(Folder(inputs[0]))
        case .tar: return try imageSource(TarArchive(inputs[0]))
        case .cifar10: return try cifarSource(.cifar10)
        case .cifar100: return try cifarSource(.cifar100)
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

    /// An archive or folder has several parts; single files are read as they are named.
    private func cifarSource(_ variant: CIFARArchive.Variant) throws -> any RecordSource {
        guard inputs.count == 1, isTar(inputs[0]) || isFolder(inputs[0]) else {
            return try CIFARArchive(inputs, variant)
        }
        guard let split else {
            throw ValidationError("\(inputs[0]) holds training and test images: --split train, test or all")
        }
        return try CIFARArchive(archive: inputs[0], variant, split)
    }

    private func imageSource(_ images: any FileTree) throws -> any RecordSource {
        guard let list else { return try ImageFolder(images, outOfDistribution: outOfDistribution) }
        return try ImageList(list, images: images)
    }

    private var resolvedFormat: Format {
        guard format == .auto else { return format }
        let file = URL(filePath: inputs[0]).lastPathComponent.lowercased()
        if file.hasPrefix("cifar-100-") { return .cifar100 }
        if file.hasPrefix("cifar-10-") { return .cifar10 }
        if isTar(file) { return .tar }
        if file.hasSuffix(".mat") { return .svhn }
        return file.contains("idx") ? .idx : .folder
    }

    private var cifarVariant: CIFARArchive.Variant? {
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

private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}

extension CIFARArchive.Split: ExpressibleByArgument {}

extension PackingOptions.Layout: ExpressibleByArgument {}

/// Packs `source` with progress on standard output.
func pack(
    _ source: any RecordSource, name: String, to destination: String, _ options: PackingOptions
) throws {
    var progress = ProgressLine()
    let start = ContinuousClock.now
    var packer = Packer(source: source, name: name, destination: destination, options: options)
    let manifest = try packer.run { done, total in
        let rate = Double(done) / max((ContinuousClock.now - start).inSeconds, 1e-9)
        progress.update(
            fraction: Double(done) / Double(max(total, 1)),
            "\(name): \(done) of \(total) images  \(decimal(rate, 0)) img/s  ETA \(duration(Double(total - done) / rate))"
        )
    }
    for note in manifest.notes { progress.printLine("note: \(note)") }
    progress.printLine(
        "\(destination): \(manifest.count) images, \(manifest.layout.summary), \(manifest.shards.count) shards"
    )
}
