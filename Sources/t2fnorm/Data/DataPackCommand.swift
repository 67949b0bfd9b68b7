import ArgumentParser
import Cluster
package import DatasetPacking
import Datasets
import Evaluation
internal import Failures
import Foundation
import Training

struct DataPackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Packs image folders, archives and array files into a dataset.",
        discussion: """
            Formats, recognised by their content:

            \(DatasetFormat.helpLines)

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
              t2fnorm data pack 'train-{000000..000146}.tar' --output data/train
              t2fnorm data pack t10k-images-idx3-ubyte.gz \\
                  --labels t10k-labels-idx1-ubyte.gz --ood --output data/mnist
            """)

    @OptionGroup var source: SourceArguments

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
        guard shardSize ?? 1 >= 1, limit ?? 1 >= 1, source.classCount ?? 1 >= 1, resizeShorter ?? 1 >= 1
        else {
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
        guard (openood == nil) != source.inputs.isEmpty else {
            throw ValidationError("name what to pack: either a folder, an archive or files, or --openood")
        }
        do { try source.options.check() } catch { throw ValidationError(error.description) }
        let void = source.options.given + (name != nil ? ["--name"] : [])
        guard openood == nil || void.isEmpty else {
            throw ValidationError(
                "\(void[0]) has no effect with --openood: the benchmark's lists define the sets")
        }
    }

    func run() throws {
        try runJob { communicator in
            communicator.board.enter(.packing)
            var options = try options(communicator)
            do {
                if let openood, let benchmark {
                    try packBenchmark(root: openood, named: benchmark, options, communicator)
                } else {
                    try packSource(&options, communicator)
                }
            } catch  where error is DatasetError || error is SourceOptionError {
                // The same on all ranks.
                let (code, message) = failureReport(of: withHelp(error))
                throw JobFailure(rank: 0, exitCode: code, message: message)
            }
            return ExitCode.done
        }
    }

    private func packSource(_ options: inout PackingOptions, _ communicator: any Communicator) throws {
        let (format, records) = try communicator.together {
            do { return try source.options.open() } catch { throw withHelp(error) }
        }
        options.classNames = source.options.classNames(in: format)
        let name = name ?? URL(filePath: output).lastPathComponent
        if case .shares = source.split {
            try packParts(of: records, name: name, options, communicator)
        } else {
            try pack(records, name: name, to: output, options, communicator)
        }
    }

    /// An error of the options as the command line reports it; any other as it is.
    private func withHelp(_ error: any Error) -> any Error {
        guard let error = error as? SourceOptionError else { return error }
        return UsageError(
            description: Self.usageLine(
                of: ValidationError(error.description), command: "t2fnorm data pack"))
    }

    private func options(_ communicator: any Communicator) throws -> PackingOptions {
        var options = PackingOptions()
        options.layout = layout
        options.outOfDistribution = source.outOfDistribution
        options.limit = limit
        options.shuffleSeed = shuffleSeed
        options.resizeShorter = resizeShorter
        options.recompresses = recompress
        options.quality = quality ?? options.quality
        options.classCount = source.classCount
        options.recordsPerShard = shardSize
        options.overwrite = overwrite
        options.restart = restart
        options.threads = try ThreadChoice(communicator).count(threads)
        options.onBad = onBad
        options.onMissing = onBad
        return options
    }
}

extension SplitChoice: ExpressibleByArgument {}

extension PackingOptions.Layout: ExpressibleByArgument {}

extension PackingOptions.Policy: ExpressibleByArgument {}
