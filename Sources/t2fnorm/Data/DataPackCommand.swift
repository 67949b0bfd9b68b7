import ArgumentParser
import Cluster
package import DatasetPacking
import Datasets
import Evaluation
internal import Failures
import Foundation
import Training

struct DataPackCommand: ParsableCommand {
    /// The format of the input.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case auto, folder, tar, zip, cifar10, cifar100, svhn, idx, npy, npz
        case nestedTar = "tar-of-tars"
    }

    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Packs image folders, archives and array files into a dataset.",
        discussion: """
            Takes a folder, a tar (plain, or compressed by gzip, bzip2, xz or zstd) or a zip archive with one sub-folder per class, or with an \
            image list of OpenOOD ('path label' per line); CIFAR-10 or CIFAR-100, as the official archive (Python or binary version), \
            unpacked or file by file; SVHN's .mat files; idx files of MNIST, Fashion-MNIST and EMNIST, gzipped or not; NumPy arrays (.npy \
            images with their labels, as CIFAR-10-C; .npz, as MedMNIST); a tar or folder with one tar per class, such as \
            ILSVRC2012_img_train.tar, without unpacking; ILSVRC2012_img_val.tar with the devkit for its labels.

            A class folder without images keeps its label. Links are followed. Skipped entries (hidden files, files that are not images, \
            broken links) are counted in the dataset's notes.

            With --openood it packs a whole benchmark: every set of OpenOOD's lists becomes a dataset below the output folder. A table at \
            the end names sets that are missing or short; the others are packed, and the exit code is 3 unless --allow-missing is given. \
            A second run packs the sets that are not there yet.

            After an interruption the same command continues from the finished shards. Under mpirun the shards are distributed over the \
            ranks; the dataset is the same.

              t2fnorm data pack photos/ --output data/photos
              t2fnorm data pack photos/ --output data/photos --split 80/10/10 --seed 0
              t2fnorm data pack cifar10-train.tar.gz --list train_cifar10.txt \\
                  --class-count 10 --output data/cifar10/train
              t2fnorm data pack cifar-10-python.tar.gz --split train \\
                  --output data/cifar10/train
              mpirun -n 4 t2fnorm data pack ILSVRC2012_img_train.tar \\
                  --output data/imagenet/train --shuffle-seed 1
              t2fnorm data pack ILSVRC2012_img_val.tar \\
                  --devkit ILSVRC2012_devkit_t12.tar.gz \\
                  --output data/imagenet/validation
              t2fnorm data pack imagenet-a/ --class-order synsets.txt \\
                  --output data/imagenet-a
              t2fnorm data pack --openood OpenOOD/data --benchmark cifar10 \\
                  --output data/cifar10
              t2fnorm data pack test_32x32.mat --ood --output data/svhn
              t2fnorm data pack test_batch.bin --format cifar10 --output data/cifar10/test
              t2fnorm data pack CIFAR-10-C/gaussian_noise.npy --output data/gaussian_noise
              t2fnorm data pack pathmnist.npz --split train --output data/pathmnist/train
              t2fnorm data pack t10k-images-idx3-ubyte.gz \\
                  --labels t10k-labels-idx1-ubyte.gz --ood --output data/mnist
            """)

    @Argument(help: "A folder, an archive, or the files of a set.")
    var inputs: [String] = []

    @Option(
        help: "The dataset's folder, which must not exist yet; with --openood, the folder for its datasets.")
    var output: String

    @Option(
        help: ArgumentHelp(
            "OpenOOD's data root, with benchmark_imglist, images_classic and images_largescale in it.",
            valueName: "folder"))
    var openood: String?

    @Option(
        help:
            "The benchmark to pack: \(OpenOODBenchmark.names.joined(separator: ", ")), or the .json file of a definition."
    )
    var benchmark: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Only these sets of the benchmark; by default all except optional sets.", valueName: "set"))
    var sets: [String] = []

    @Flag(help: "Exit with code 0 although sets of the benchmark are missing or short.")
    var allowMissing = false

    @Option(help: "The dataset's name in tables; the output folder's by default.")
    var name: String?

    @Option(help: "The input's format: \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format = Format.auto

    @Option(
        help: ArgumentHelp("An image list, with paths relative to the folder or archive.", valueName: "file"))
    var list: String?

    @Option(
        help: ArgumentHelp(
            """
            The labels of an idx or .npy set; by default the file beside the images, named with 'labels-idx1' for 'images-idx3', or 'labels.npy'.
            """,
            valueName: "file"))
    var labels: String?

    @Option(
        help: ArgumentHelp(
            """
            The part of an official CIFAR archive or of an .npz (\(CIFARArchive.Split.allCases.map(\.rawValue).joined(separator: ", "))), or \
            shares of a random split, such as 80/10/10: gives sets train, validation and test below the output folder, stratified by \
            class.
            """, valueName: "part"))
    var split: SplitChoice?

    @Option(
        help: ArgumentHelp("The seed of --split's random split; 0 by default.", valueName: "seed"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "ILSVRC2012_devkit_t12.tar.gz, or the folder it unpacks to, with the labels of ILSVRC2012_img_val.tar.",
            valueName: "path"))
    var devkit: String?

    @Flag(help: "Transpose the images: EMNIST's are stored transposed.")
    var transpose = false

    @Option(
        help: ArgumentHelp(
            """
            The classes of folders, or of a tar of tars, in the order of their labels: synsets.txt with one name per line, or the devkit (its \
            archive, or its meta.mat); by default sorted by name, as in OpenOOD. Names without images keep their labels.
            """, valueName: "file"))
    var classOrder: String?

    @Flag(name: .customLong("ood"), help: "Out-of-distribution: every label becomes -1.")
    var outOfDistribution = false

    @Option(help: ArgumentHelp("Number of classes, if the source does not define it.", valueName: "n"))
    var classCount: Int?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Class names in the order of labels: the folders' names in another order, or names for a source without any.",
            valueName: "name"))
    var classNames: [String] = []

    @Option(
        help: ArgumentHelp("Pack only the first n records, in packing order.", valueName: "n"))
    var limit: Int?

    @Option(
        help: ArgumentHelp(
            "Pack the images in a random order, a function of this seed alone; by default in the source's order.",
            valueName: "seed"))
    var shuffleSeed: UInt64?

    @Option(
        help: ArgumentHelp(
            """
            Shrink images whose shorter side is longer than this, bilinearly as Pillow does; they are stored as JPEG files if the layout \
            is 'encoded'.
            """, valueName: "pixels"))
    var resizeShorter: Int?

    @Option(
        help: ArgumentHelp(
            "JPEG quality of shrunk or recompressed images, 1 to 100; 95 by default.",
            valueName: "quality"))
    var quality: Int?

    @Flag(
        help: """
            Store every image as a JPEG file (4:2:0), even if it is not shrunk: gives other sets the artefacts that JPEG copies of the \
            training images have.
            """)
    var recompress = false

    @Option(
        help: """
            'pixels' stores decoded images of one size, 'encoded' stores the files unchanged, 'auto' chooses pixels if the first image \
            is at most 64×64.
            """)
    var layout = PackingOptions.Layout.automatic

    @Option(
        help: """
            At a damaged image, or a missing image of a list: 'stop' with its path and the error, or 'skip' it and list it in the \
            dataset's report.csv.
            """)
    var onBad = PackingOptions.Policy.stop

    @Option(
        help: ArgumentHelp(
            "Images per shard; by default as many as make about 128 MiB, at most 10000.",
            valueName: "n"))
    var shardSize: Int?

    @Option(
        help: ArgumentHelp(
            "Threads per rank that read and decode; 0 for all cores, divided among the ranks of a host.",
            valueName: "n"))
    var threads = 0

    @Flag(help: "Replace an existing dataset.")
    var overwrite = false

    @Flag(help: "Start anew instead of continuing from an interrupted run's finished shards.")
    var restart = false

    func validate() throws {
        guard shardSize ?? 1 >= 1, limit ?? 1 >= 1, classCount ?? 1 >= 1, resizeShorter ?? 1 >= 1 else {
            throw ValidationError("--shard-size, --limit, --class-count and --resize-shorter are 1 or more")
        }
        guard threads >= 0 else { throw ValidationError("--threads is 0 or more") }
        guard (1...100).contains(quality ?? 1) else { throw ValidationError("--quality is 1 to 100") }
        guard quality == nil || resizeShorter != nil || recompress else {
            throw ValidationError(
                "--quality goes with --resize-shorter or --recompress: other images are stored as they are")
        }
        guard (openood == nil) == (benchmark == nil) else {
            throw ValidationError("--openood and --benchmark go together")
        }
        guard openood != nil || (sets.isEmpty && !allowMissing) else {
            throw ValidationError("--sets and --allow-missing go with --openood")
        }
        guard (openood == nil) != inputs.isEmpty else {
            throw ValidationError("name what to pack: either a folder, an archive or files, or --openood")
        }
        guard openood != nil || inputs.count == 1 || hasSeveralFiles else {
            throw ValidationError("only CIFAR sets have several files; name one folder or archive")
        }
        try checkCombinations()
    }

    func run() throws {
        try runJob { communicator in
            communicator.board.enter(.packing)
            var options = try options(communicator)
            do {
                try withUsageErrors {
                    if let openood, let benchmark {
                        try packBenchmark(root: openood, named: benchmark, options, communicator)
                        return
                    }
                    let (format, source) = try communicator.together {
                        try withUsageErrors { try makeSource() }
                    }
                    options.classNames = classNames.isEmpty || givesOrder(format) ? nil : classNames
                    let name = name ?? URL(filePath: output).lastPathComponent
                    if case .shares(let shares) = split {
                        try packParts(of: source, shares, name: name, options, communicator)
                    } else {
                        try pack(source, name: name, to: output, options, communicator)
                    }
                }
            } catch  where error is DatasetError || error is UsageError {
                // The same on all ranks.
                let (code, message) = failureReport(of: error)
                throw JobFailure(rank: 0, exitCode: code, message: message)
            }
            return ExitCode.done
        }
    }

    /// Gives errors of the command line that are found while the job runs their exit code.
    private func withUsageErrors<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ValidationError {
            throw UsageError(description: Self.usageLine(of: error, command: "t2fnorm data pack"))
        }
    }

    private func options(_ communicator: any Communicator) throws -> PackingOptions {
        var options = PackingOptions()
        options.layout = layout
        options.outOfDistribution = outOfDistribution
        options.limit = limit
        options.shuffleSeed = shuffleSeed
        options.resizeShorter = resizeShorter
        options.recompresses = recompress
        options.quality = quality ?? options.quality
        options.classCount = classCount
        options.recordsPerShard = shardSize
        options.overwrite = overwrite
        options.restart = restart
        options.threads = try ThreadChoice(communicator).count(threads)
        options.onBad = onBad
        options.onMissing = onBad
        return options
    }
}

extension PackingOptions.Layout: ExpressibleByArgument {}

extension PackingOptions.Policy: ExpressibleByArgument {}
