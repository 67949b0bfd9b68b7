public import ArgumentParser
internal import Benchmarking
import Foundation
internal import Kernels
public import Networks
public import RunConfiguration
import Training

struct BenchStepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Times whole steps of a network: training with update, or inference.",
        discussion: """
            The images have the network's usual size unless --image-size gives another; the rate is that of the median step. GFLOP/s count the operations of direct convolutions, two per \
            multiply-accumulate, and three forward passes per training step; '% of the peak' is relative to the rate of fused multiply-adds in registers \
            on the same threads, which Winograd convolutions can exceed.

              t2fnorm bench step --network resnet50 --batch 32 --threads 2
              t2fnorm bench step --network resnet18_32x32 --batch 200 --mode inference \\
                  --json
            """)

    @Option(help: ArgumentHelp("The network.", valueName: "name"))
    var network = NetworkName.resnet18At32

    @Option(help: "Time training or inference steps.")
    var mode = StepBenchmark.Mode.training

    @Option(help: "Images in a step.")
    var batch = 128

    @Option(help: "Threads; 0 for one per core.")
    var threads = 0

    @Option(help: "Timed steps, after the warm-up.")
    var steps = 5

    @Option(name: .customLong("warm-up"), help: "Untimed steps before them.")
    var warmUp = 2

    @Option(help: "Images in a microbatch.")
    var microbatch = 32

    @Option(help: "Classes of the last layer; the default is 1000 for images of 224×224, else 10.")
    var classes: Int?

    @Option(
        name: .customLong("image-size"),
        help: ArgumentHelp(
            "Height and width of an image, if not the network's usual ones.", valueName: "pixels"))
    var imageSize: Int?

    @Option(help: "Precision of the products; 'mixed' also for inference.")
    var precision = ComputeConfiguration.Precision.float32

    @Flag(help: "Print one line of JSON.")
    var json = false

    func validate() throws {
        for (name, value, least) in [
            ("--batch", batch, 1), ("--threads", threads, 0), ("--steps", steps, 1), ("--warm-up", warmUp, 0),
            ("--microbatch", microbatch, 1), ("--classes", classes ?? 1, 1),
        ] where value < least {
            throw ValidationError("\(name) is \(value), expected \(least) or more")
        }
        if let imageSize, !network.takes(imageSize: imageSize) {
            throw ValidationError(
                "--image-size is \(imageSize), expected \(network.imageSizes)"
            )
        }
    }

    func run() throws {
        let benchmark = StepBenchmark(
            network: network, mode: mode, batch: batch,
            threads: try ThreadChoice().count(threads), microbatch: microbatch,
            classes: classes ?? (network.imageSize == 224 ? 1000 : 10), imageSize: imageSize,
            convolutions: precision == .mixed ? .mixed : .shape)
        let result = try benchmark.run(steps: steps, warmUp: warmUp)
        print(json ? try jsonLine(result) : result.description)
    }
}

extension ComputeConfiguration.Precision: ExpressibleByArgument {}
extension NetworkName: ExpressibleByArgument {}
extension StepBenchmark.Mode: ExpressibleByArgument {}
