public import ArgumentParser
import Foundation
public import Kernels
import Networks
import Training

struct BenchKernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Times every convolution of the networks and checks it against double precision.",
        discussion: """
            A convolution of a shape is timed once, however many layers of the networks have it ('layers'); all three passes: \
            forward, gradient of the input (of the first layer too, which no network needs), gradient of the weights. A layer \
            is called after kernel, channels in and out, input and stride: '3x3 64-128 at 32x32 by 2'. Paths are winograd \
            (3×3 with stride 1 and channels by the sixteen, the default there), tiled (the default elsewhere) and library (BLAS).

            GFLOP/s count what direct multiplication would take, two operations a multiply-accumulate. Their share is that of \
            the fused multiply-adds that the same threads do in registers, the best of a measurement a layer. A transformed \
            convolution does a quarter of the multiplications and can pass 100 %.

            Errors are root mean squares in terms of the values', against a direct convolution in double precision of the \
            first images of the batch ('checked'), with normal inputs and weights of variance 2 / fan-in.

            The whole table takes about two minutes; other work on the machine makes it slower and its rates smaller.

              t2fnorm bench kernels
              t2fnorm bench kernels --network resnet50 --layers 1x1 --threads 1
              t2fnorm bench kernels --layers '3x3 64-64' --all-paths --json
            """)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            """
            Whose layers; by default those of \(Self.defaultNetworks.map(\.rawValue).joined(separator: ", ")).
            """, valueName: "name"))
    var network: [NetworkName] = []

    @Option(help: ArgumentHelp("Only layers whose name has this in it.", valueName: "text"))
    var layers: String?

    @Option(help: "Images that are timed; by default 32 for networks of 224×224 images, else 128.")
    var batch: Int?

    @Option(help: "Threads; 0 for one a core.")
    var threads = 0

    @Option(help: "Only this path, and the layers that have it; by default what a layer prefers.")
    var path: ConvolutionPath?

    @Flag(help: "Every path that a layer has.")
    var allPaths = false

    @Option(help: "Times that a pass is timed, some 50 ms each; the fastest counts.")
    var runs = 4

    @Option(help: "Images in a lane: of a weight gradient of its own.")
    var lane = 32

    @Flag(help: "Print one line of JSON.")
    var json = false

    private static let defaultNetworks: [NetworkName] = [
        .resnet18At32, .resnet18At224, .resnet50, .resnet20,
    ]

    func validate() throws {
        for (name, value, least) in [
            ("--batch", batch ?? 1, 1), ("--threads", threads, 0), ("--runs", runs, 1), ("--lane", lane, 1),
        ] where value < least {
            throw ValidationError("\(name) is \(value), expected \(least) or more")
        }
        guard path == nil || !allPaths else {
            throw ValidationError("--path is one path and --all-paths are all, expected one of the two")
        }
        guard !chosenLayers.isEmpty else {
            throw ValidationError(
                "no layer by \(path?.rawValue ?? "any path") has '\(layers ?? "")' in its name, expected a part of "
                    + "such as '3x3 64-128 at 32x32 by 2'")
        }
    }

    func run() throws {
        let benchmark = KernelBenchmark(
            layers: chosenLayers, paths: chosenPaths,
            threads: try ThreadChoice().count(threads), lane: lane, runs: runs)
        var progress = ProgressLine(on: .standardError)
        let report = benchmark.run { progress.update(fraction: $0, [$1]) }
        progress.clear()
        Swift.print(json ? try jsonLine(report) : report.description(on: Terminal(of: STDOUT_FILENO)))
    }

    private var chosenLayers: [ConvolutionLayer] {
        ConvolutionLayer.all(of: network.isEmpty ? Self.defaultNetworks : network, images: batch)
            .filter { layer in layers.map { layer.name.contains($0) } ?? true }
            .filter { !chosenPaths(of: $0.shape).isEmpty }
    }

    private func chosenPaths(of shape: ConvolutionShape) -> [ConvolutionPath] {
        let all = Convolution.paths(for: shape)
        if let path { return all.filter { $0 == path } }
        return allPaths ? all : [all[0]]
    }
}

extension ConvolutionPath: ExpressibleByArgument {}
