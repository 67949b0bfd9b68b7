public import ArgumentParser
public import Datasets
import Foundation

struct DataPackCommand: SingleProcessCommand {
    /// How images lie in what is packed.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case auto, folder, tar, cifar10, cifar100, idx
    }

    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Packs images that people have into a dataset.",
        discussion: """
            Takes a folder or a tar or tar.gz archive with one sub-folder a class; either with an image list of OpenOOD ('path \
            label' a line); CIFAR-10 or CIFAR-100 binary files; MNIST's idx files, gzipped or not.

              t2fnorm data pack photos/ --output data/photos
              t2fnorm data pack cifar10-train.tar.gz --list train_cifar10.txt --class-count 10 --output data/cifar10/train
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

    @Option(help: ArgumentHelp("The labels of an idx set.", valueName: "file"))
    var labels: String?

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
        guard format == .cifar10 || format == .cifar100 || inputs.count == 1 else {
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
        case .cifar10: return try CIFARArchive(inputs, .cifar10)
        case .cifar100: return try CIFARArchive(inputs, .cifar100)
        case .idx, .auto:
            guard let labels else {
                throw ValidationError("an idx set needs its labels: --labels FILE")
            }
            return try IDXArchive(images: inputs[0], labels: labels)
        }
    }

    private func imageSource(_ images: any FileTree) throws -> any RecordSource {
        guard let list else { return try ImageFolder(images, outOfDistribution: outOfDistribution) }
        return try ImageList(list, images: images)
    }

    private var resolvedFormat: Format {
        guard format == .auto else { return format }
        let file = URL(filePath: inputs[0]).lastPathComponent.lowercased()
        if [".tar", ".tar.gz", ".tgz"].contains(where: file.hasSuffix) { return .tar }
        return file.contains("idx") ? .idx : .folder
    }
}

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
