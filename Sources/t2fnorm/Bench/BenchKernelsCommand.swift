import ArgumentParser
internal import Benchmarking
import Foundation
package import Kernels
import Networks
import Training

struct BenchKernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Times every convolution of the networks and checks it against double precision.",
        discussion: """
            Each convolution shape is timed once, however many layers of the networks have it ('layers'), in all three passes: \
            forward, input gradient (also for the first layer, where no network needs it), weight gradient. A layer is named \
            after kernel, channels in and out, input and stride: '3x3 64-128 at 32x32 by 2'. Algorithms are winograd (3×3 with \
            stride 1 and channels in multiples of 16, the default there), tiled (the default elsewhere) and library (BLAS); of low \
            precision winogradInt14 and tiledInt14, if named.

            GFLOP/s count the operations of direct convolution, two per multiply-accumulate. '% of peak' is relative to the rate \
            of fused multiply-adds in registers on the same threads, the best of one measurement per layer. A Winograd \
            convolution does a quarter of the multiplications and can exceed 100 %.

            Errors are root mean squares relative to that of the values, against a direct convolution in double precision of \
            2,048 values of the first images ('checked'), with normal inputs and weights of variance 2 / fan-in.

            The whole table takes about two minutes; other work on the machine makes it slower and its rates lower.

              t2fnorm bench kernels
              t2fnorm bench kernels --network resnet50 --layers 1x1 --threads 1
              t2fnorm bench kernels --layers '3x3 64-64' --all-algorithms --json
            """)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            """
            Networks whose layers are timed; by default \(Self.defaultNetworks.map(\.rawValue).joined(separator: ", ")).
            """, valueName: "name"))
    var network: [NetworkName] = []

    @Option(
        name: .customLong("image-size"),
        help: ArgumentHelp(
            "Height and width of an image, if not the networks' usual ones.", valueName: "pixels"))
    var imageSize: Int?

    @Option(help: ArgumentHelp("Only layers whose name contains this text.", valueName: "text"))
    var layers: String?

    @Option(help: "Images in a timed batch; by default 32 for networks of 224×224 images, else 128.")
    var batch: Int?

    @Option(help: "Threads; 0 for one per core.")
    var threads = 0

    @Option(help: "Only this algorithm, and layers that support it; by default each layer's preferred one.")
    var algorithm: ConvolutionAlgorithm?

    @Flag(help: "Every algorithm that a layer supports.")
    var allAlgorithms = false

    @Option(help: "Timed runs per pass, some 50 ms each; the fastest counts.")
    var runs = 4

    @Option(help: "Images in a microbatch; each microbatch gives one weight gradient.")
    var microbatch = 32

    @Flag(help: "Print one line of JSON.")
    var json = false

    private static let defaultNetworks: [NetworkName] = [
        .resnet18At32, .resnet18At224, .resnet50, .resnet20,
    ]

    func validate() throws {
        for (name, value, least) in [
            ("--batch", batch ?? 1, 1), ("--threads", threads, 0), ("--runs", runs, 1),
            ("--microbatch", microbatch, 1),
        ] where value < least {
            throw ValidationError("\(name) is \(value), expected \(least) or more")
        }
        guard algorithm == nil || !allAlgorithms else {
            throw ValidationError(
                "--algorithm is one algorithm and --all-algorithms are all, expected one of the two")
        }
        if let imageSize, let other = chosenNetworks.first(where: { !$0.takes(imageSize: imageSize) }) {
            throw ValidationError("--image-size is \(imageSize), expected \(other.imageSizes)")
        }
        guard !chosenLayers.isEmpty else {
            throw ValidationError(
                "no layer by \(algorithm?.rawValue ?? "any algorithm") has '\(layers ?? "")' in its name, expected part of a name "
                    + "such as '3x3 64-128 at 32x32 by 2'")
        }
    }

    func run() throws {
        let benchmark = KernelBenchmark(
            layers: chosenLayers, algorithms: chosenAlgorithms,
            threads: try ThreadChoice().count(threads), microbatch: microbatch, runs: runs)
        var progress = ProgressLine(on: .standardError)
        let report = benchmark.run { progress.update(fraction: $0, [$1]) }
        progress.clear()
        Swift.print(json ? try jsonLine(report) : report.description(consoleText))
    }

    private var chosenNetworks: [NetworkName] { network.isEmpty ? Self.defaultNetworks : network }

    private var chosenLayers: [ConvolutionLayer] {
        ConvolutionLayer.all(of: chosenNetworks, images: batch, imageSize: imageSize)
            .filter { layer in layers.map { layer.name.contains($0) } ?? true }
            .filter { !chosenAlgorithms(of: $0.shape).isEmpty }
    }

    private func chosenAlgorithms(of shape: ConvolutionShape) -> [ConvolutionAlgorithm] {
        let all = Convolution.algorithms(for: shape)
        if let algorithm {
            return (all + Convolution.mixedAlgorithms(for: shape)).filter { $0 == algorithm }
        }
        return allAlgorithms ? all : [all[0]]
    }
}

extension ConvolutionAlgorithm: ExpressibleByArgument {}
