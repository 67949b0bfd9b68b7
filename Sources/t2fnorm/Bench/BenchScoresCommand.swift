import ArgumentParser
import Benchmarking
import Cluster
import Detection
import Foundation
import Networks
import Reporting
import Training

struct BenchScoresCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scores",
        abstract: "Times an evaluation with scores against the forward pass alone over the same images.",
        discussion: """
            Uses random images in memory: one training set, and nine sets to score, the first of them in-distribution. Each round runs the forward pass \
            alone over all sets and then evaluates them; the ratio is the median of the rounds' ratios. The defaults are a fiftieth of CIFAR-10's \
            sets, a minute or two on two cores; the full sizes take some 20 minutes a round there.

              t2fnorm bench scores --threads 2
              mpirun -n 2 t2fnorm bench scores --training 50000 --scored 162660 \\
                  --rounds 1 --warm-up 0
            """)

    @Option(help: ArgumentHelp("The network.", valueName: "name"))
    var network = NetworkName.resnet18At32

    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("The scores.", valueName: "score"),
        completion: ScoreArgument.completion, transform: ScoreArgument.score)
    var score: [ScoreDefinition] = [.t2fnorm, .msp, .mls, .ebo, .gen, .ash, .scale, .react, .vim, .fdbd]

    @Option(help: "Images to fit the scores on, over all ranks.")
    var training = 1_000

    @Option(help: "Images to score, over all ranks and nine sets.")
    var scored = 3_258

    @Option(help: "Images per forward pass of a rank.")
    var batch = 256

    @Option(help: "Threads per rank; 0 for one per core.")
    var threads = 0

    @Option(help: "Timed rounds.")
    var rounds = 3

    @Option(help: "Untimed rounds before them.")
    var warmUp = 1

    @Flag(help: "Print one line of JSON.")
    var json = false

    func validate() throws {
        for (name, value, least) in [
            ("--training", training, 100), ("--scored", scored, 9), ("--batch", batch, 1),
            ("--threads", threads, 0), ("--rounds", rounds, 1), ("--warm-up", warmUp, 0),
        ] where value < least {
            throw ValidationError("\(name) is \(value), expected \(least) or more")
        }
        if let score = score.first(where: { !$0.inputs.isDisjoint(with: [.outliers, .members]) }) {
            throw ValidationError("--score \(score.title) needs more than random sets and one network")
        }
        guard !score.isEmpty else { throw ValidationError("--score is empty, expected at least one score") }
    }

    func run() throws {
        try runJob { communicator in
            var progress = ProgressLine(on: .standardError)
            let report = try ScoresBenchmark(
                network: network, scores: score, training: training, scored: scored, batch: batch,
                threads: ThreadChoice(communicator).count(threads),
                communicator: communicator
            ).run(rounds: rounds, after: warmUp) { fraction, text in
                if communicator.rank == 0 { progress.update(fraction: fraction, [text]) }
            }
            progress.clear()
            if communicator.rank == 0 { print(json ? try jsonLine(report) : report.description) }
            return 0
        }
    }
}

extension ScoresBenchmark.Report: CustomStringConvertible {
    var description: String {
        """
        \(network), \(scores.count) \(scores.count == 1 ? "score" : "scores"), \(training) + \(scored) images, \(ranks) \
        \(ranks == 1 ? "rank" : "ranks") of \(threads) \(threads == 1 ? "thread" : "threads"): forward pass \
        \(decimal(forwardSeconds, 2)) s, evaluation \(decimal(evaluationSeconds, 2)) s, ratio \(decimal(ratio, 3)) \
        (medians of \(rounds))
        """
    }
}
