public import ArgumentParser
import Checkpoints
import Cluster
import Datasets
public import Detection
import Foundation
import Metrics
import Networks
import Reporting
import RunConfiguration
import Training
import Workers

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract:
            "Scores trained runs on in- and out-of-distribution sets and prints the tables side by side.",
        discussion: """
            A run is the folder that 'train' made: runs/<name> with all its seeds, or one of them, runs/<name>/s0. The sets are \
            those of the run's configuration; --set changes them. Tables go to \
            <run>/evaluation/<benchmark>/ood/<score>.csv.

              t2fnorm evaluate runs/quickstart
              mpirun -n 2 t2fnorm evaluate runs/quickstart runs/quickstart-baseline --score t2fnorm msp
            """)

    @Argument(help: "Run folders.")
    var runs: [String]

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One setting on top of each run's configuration; may be repeated.", valueName: "key=value"))
    var settings: [String] = []

    @Option(
        name: .long, parsing: .upToNextOption,
        help: ArgumentHelp(
            "Scores to compute, instead of the configuration's: \(ScoreName.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "score"))
    var score: [ScoreName] = []

    @Option(help: "The model's file below <run>/checkpoints, or 'latest'.")
    var checkpoint = "best.h5"

    @Option(
        help: ArgumentHelp(
            """
            First copy the datasets to this folder on a local disk of each host, once a host; what is there already is kept, what was \
            interrupted goes on.
            """, valueName: "folder"))
    var stage: String?

    func run() throws {
        try runJob { communicator in
            let display = communicator.rank == 0 ? EvaluationDisplay() : nil
            var contenders: [Table.Contender] = []
            var directories: [String] = []
            for run in runs {
                let evaluation = RunEvaluation(
                    folder: run, settings: settings, scores: score, checkpoint: checkpoint,
                    staging: Staging(folder: stage, communicator: communicator),
                    communicator: communicator, display: display)
                contenders += try evaluation.contenders()
                directories += try evaluation.seedFolders()
            }
            display?.show(contenders, runs: directories)
            return Training.ExitCode.done
        }
    }
}

extension ScoreName: ExpressibleByArgument {}
