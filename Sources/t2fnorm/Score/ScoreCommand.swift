import ArgumentParser
import Checkpoints
import Cluster
import Datasets
import Detection
import Evaluation
import Failures
import Files
import Foundation
import Reporting
import RunConfiguration
import Training
import Workers

struct ScoreCommand: ParsableCommand {
    /// The handling of an image that cannot be read.
    enum BadImages: String, CaseIterable, ExpressibleByArgument {
        case stop, skip
    }

    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract:
            "Classifies images, with a confidence, and decides whether they are in-distribution.",
        discussion: """
            Takes a trained or imported run and image files, folders of images with their subfolders, or packed datasets. For each image: \
            its path, the predicted class, its probability, the score (higher is more in-distribution) and the decision: 'in' if the \
            score is at least the threshold, else 'out'. A network with a projection head gives no class and no probability.

            The threshold is the score that the fraction --tpr of the in-distribution validation set reaches. The first time, the set is \
            scored; then the checkpoint's side file (best.thresholds.json) holds its scores, for any --tpr. A score that is fitted reads \
            the run's training or validation set every time.

              t2fnorm score runs/mine/s0 photos/ --output scores.csv
              t2fnorm score runs/mine/s0 a.jpg b.png --score ebo --tpr 0.99 --format jsonl
              mpirun -n 4 t2fnorm score runs/mine/s0 data/packed --on-bad skip \\
                  --output scores.csv
            """)

    @Argument(
        help: ArgumentHelp("The folder of a run with one seed, or of one seed of a run.", valueName: "run"))
    var folder: String

    @Argument(help: "Image files, folders of images, packed datasets.")
    var inputs: [String]

    @Option(
        help:
            "The score; by default the first of the run's configuration. One of \(ScoreArgument.names). \(ScoreArgument.settingsHelp)",
        completion: ScoreArgument.completion, transform: ScoreArgument.score)
    var score: ScoreDefinition?

    @Option(
        help: ArgumentHelp(
            "The fraction of in-distribution images to accept, above 0 and at most 1.", valueName: "rate"))
    var tpr = 0.95

    @Option(
        help: "The format of the lines: \(ScoreFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format = ScoreFormat.csv

    @Option(help: ArgumentHelp("The file for the lines, instead of standard output.", valueName: "file"))
    var output: String?

    @Option(
        help:
            "At an image that cannot be read: 'stop' with its path and the error, or 'skip' it, mark it unreadable and report it at the end."
    )
    var onBad = BadImages.stop

    @Option(
        help: ArgumentHelp(
            "The packed in-distribution validation set, if it is not at the run's data.validation.",
            valueName: "folder"))
    var validation: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One setting on top of the run's configuration; may be repeated.", valueName: "key=value"))
    var settings: [String] = []

    @OptionGroup var ensemble: EnsembleOptions

    @Option(help: "The model's file below <run>/checkpoints, or 'latest'.")
    var checkpoint = "best.h5"

    func validate() throws {
        guard tpr > 0 && tpr <= 1 else { throw ValidationError("--tpr is above 0 and at most 1") }
        guard !inputs.isEmpty else {
            throw ValidationError("name images, folders or packed datasets to score")
        }
    }

    func run() throws {
        try runJob { communicator in
            var options = ImageScoring.Options(folder: folder, inputs: inputs)
            options.score = score
            options.truePositiveRate = tpr
            options.skipsBad = onBad == .skip
            options.validation = validation
            options.settings = settings
            options.ensemble = ensemble.folders
            options.checkpoint = checkpoint
            let progress = communicator.rank == 0 ? ScoringProgress(worldSize: communicator.worldSize) : nil
            let outcome = try ImageScoring(
                options, communicator: communicator, observer: progress, notice: noticeRenamed
            ).run()
            try communicator.together {
                guard let outcome else { return }
                for note in outcome.notes { printError("t2fnorm: note: \(note)") }
                try write(format.header + outcome.images.map(format.line).joined())
                report(outcome)
            }
            return ExitCode.done
        }
    }

    private func write(_ text: String) throws {
        guard let output else {
            writeData(text)
            return
        }
        try writeFile(text, to: output)
    }

    private func report(_ outcome: ImageScoring.Outcome) {
        let (score, threshold) = (outcome.score, outcome.threshold)
        printError(
            "t2fnorm: note: 'in' means \(score.title) of \(ScoredImage.Number(threshold, score.precision)) or more, as for \(decimal(100 * tpr, 1)) % of the validation set"
        )
        guard !outcome.failures.isEmpty else { return }
        printError(
            "t2fnorm: note: \(outcome.failures.count) of \(outcome.images.count) images could not be read:")
        for error in outcome.failures { printError("  \(error)") }
    }
}

extension ScoreFormat: ExpressibleByArgument {}
