import ArgumentParser
internal import Benchmarking
package import Datasets
import Foundation

struct BenchDataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Times the data loader: reading, decoding, augmentation and batching of a packed dataset.",
        discussion: """
            Loads shuffled epochs, one after the other, until the time is up, and discards the batches. The rate is that of the median interval of one \
            second. Memory is the process's resident memory, after a quarter of the time and at the end.

              t2fnorm bench data data/cifar10/train
              t2fnorm bench data data/imagenet1k/train --crop resized --size 224 \\
                  --decode scaled --threads 8 --json
            """)

    @Argument(help: "The folder of a packed dataset.")
    var folder: String

    @Option(help: "How an image is cropped.")
    var crop = LoaderBenchmark.Crop.padded

    @Option(help: "Height and width of the crop, in pixels.")
    var size = 32

    @Option(help: "How JPEGs are decoded.")
    var decode = JPEGDecoding.exact

    @Option(help: "Images in a batch.")
    var batch = 128

    @Option(help: "Threads that read and transform.")
    var threads = 1

    @Option(help: "Seconds to run.")
    var seconds = 5

    @Option(help: "Minimum number of images, however long they take.")
    var images = 0

    @Option(help: ArgumentHelp("Records in a shuffle window; 0 for all.", valueName: "records"))
    var window = 0

    @Option(help: ArgumentHelp("Consecutive records that stay in one window.", valueName: "records"))
    var block = 1

    @Flag(help: "Print one line of JSON.")
    var json = false

    func validate() throws {
        for (name, value, least) in [
            ("--size", size, 1), ("--batch", batch, 1), ("--threads", threads, 1), ("--seconds", seconds, 1),
            ("--images", images, 0), ("--window", window, 0), ("--block", block, 1),
        ] where value < least {
            throw ValidationError("\(name) is \(value), expected \(least) or more")
        }
    }

    func run() throws {
        let benchmark = LoaderBenchmark(
            dataset: try PackedDataset(path: folder), crop: crop, size: size, decoding: decode, batch: batch,
            threads: threads, window: window, block: block)
        let result = try benchmark.run(seconds: seconds, images: images)
        print(json ? try jsonLine(result) : result.description)
    }
}

extension LoaderBenchmark.Crop: ExpressibleByArgument {}
extension JPEGDecoding: ExpressibleByArgument {}
