import ArgumentParser
import Checkpoints
import Cluster
import Detection
import Evaluation
internal import Failures
import Files
import Foundation
import Metrics
import Reporting
import RunConfiguration
import Training

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract:
            "Scores trained runs on in- and out-of-distribution sets and prints tables of their metrics side by side.",
        discussion: """
            A run is the folder that 'train' made: runs/<name> with all its seeds, or one of them, runs/<name>/s0. Several seeds give \
            mean ± standard deviation. The sets are those of a benchmark's file with --benchmark, else of the run's configuration; --set \
            changes them. If sets of a benchmark are missing, the others are evaluated, with a note.

            It writes below <run>/evaluation/<benchmark>/: OpenOOD's tables as {ood,fsood}/<score>.csv, all digits as results.json, \
            and table.md. docs/benchmarks.md describes the files and the keys of a benchmark.

              t2fnorm evaluate runs/quickstart
              mpirun -n 2 t2fnorm evaluate runs/quickstart runs/quickstart-baseline \\
                  --score t2fnorm msp
              mpirun -n 2 t2fnorm evaluate runs/mine/s0 --score msp ensemble \\
                  --ensemble runs/mine
              mpirun -n 2 t2fnorm evaluate runs/mine \\
                  --benchmark configs/benchmarks/cifar10.yml --published T2FNorm CE
              t2fnorm evaluate --compare runs/mine runs/other --markdown table.md
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
            "Scores to compute, instead of the configuration's: \(ScoreArgument.names). \(ScoreArgument.settingsHelp)",
            valueName: "score"),
        completion: ScoreArgument.completion, transform: ScoreArgument.score)
    var score: [ScoreDefinition] = []

    @Option(
        help: ArgumentHelp(
            "A benchmark's YAML file, or the name of one in configs/benchmarks.", valueName: "file"))
    var benchmark: String?

    @Option(
        help: ArgumentHelp(
            "The folder of the benchmark's packed sets, as 'data pack --openood' made it; by default the folder named in the file.",
            valueName: "folder"))
    var data: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Optional sets of the benchmark to include, such as imagenet_es.", valueName: "set"))
    var with: [String] = []

    @Flag(help: "Score nothing: print the tables of earlier evaluations side by side.")
    var compare = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Add columns of the published numbers in the benchmark's file, by training method: T2FNorm, CE, LogitNorm …",
            valueName: "training"))
    var published: [String] = []

    @Option(help: ArgumentHelp("Also write the side-by-side tables to this file.", valueName: "file"))
    var markdown: String?

    @Flag(
        help: """
            Search for settings of scores as OpenOOD does, on the two validation sets; the same as evaluation.search: true.
            """)
    var search = false

    @Flag(help: "Keep every sample's scores in <run>/scores/<benchmark>.h5.")
    var saveScores = false

    @Option(
        help: ArgumentHelp(
            "Write 95 % bootstrap intervals of every cell, from n resamplings of the images of each set, to <score>.intervals.csv.",
            valueName: "n"))
    var bootstrap: Int?

    @Option(help: ArgumentHelp("The random seed of the bootstrap.", valueName: "seed"))
    var bootstrapSeed: UInt64 = 0

    @Flag(
        help: """
            Print the feature norms of all sets, and the AUROC with which the norm, the softmax of normalised features, and the \
            softmax of unnormalised features at several temperatures separate each set from the in-distribution set.
            """)
    var diagnostics = false

    @OptionGroup var ensemble: EnsembleOptions

    @Option(help: "The model's file below <run>/checkpoints, or 'latest'.")
    var checkpoint = "best.h5"

    @Option(
        help: ArgumentHelp(
            """
            First copy the datasets to this folder on a local disk of each host, once per host; complete copies are kept, an interrupted \
            copy is continued.
            """, valueName: "folder"))
    var stage: String?

    func validate() throws {
        guard benchmark != nil || (data == nil && with.isEmpty && published.isEmpty) else {
            throw ValidationError("--data, --with and --published go with --benchmark")
        }
        guard Set(score.map(\.title)).count == score.count else {
            throw ValidationError(
                "--score names a score twice; a setting that equals its default makes no other score")
        }
        guard bootstrap ?? 1 >= 1 else { throw ValidationError("--bootstrap is 1 or more") }
        guard
            !compare
                || (!saveScores && bootstrap == nil && !diagnostics && !search && ensemble.folders.isEmpty)
        else {
            throw ValidationError(
                "--compare scores nothing, so it excludes --save-scores, --bootstrap, --diagnostics, --search and --ensemble"
            )
        }
    }

    func run() throws {
        try runJob(isLogged: true) { communicator in
            let definition = try communicator.together {
                () throws(ConfigurationError) in
                // Tables of earlier evaluations need no more than the benchmark's name.
                let definition = try benchmark.flatMap { name throws(ConfigurationError) in
                    try BenchmarkDefinition.find(name, isRequired: !compare || !published.isEmpty)
                }
                try definition?.check(trainings: published)
                return definition
            }
            let display = communicator.rank == 0 ? EvaluationDisplay() : nil
            let evaluated =
                try compare
                ? communicator.together {
                    try EvaluatedRun.kept(
                        in: runs, benchmark: definition?.name ?? benchmark, scores: score,
                        notice: noticeRenamed)
                }
                : evaluate(definition, communicator, display)
            let tables = Benchmark.Task.allCases.map { task in
                (
                    task,
                    EvaluatedRun.contenders(
                        task, of: evaluated, scores: score, published: published, definition)
                )
            }
            let remarks =
                EvaluatedRun.remarks(of: evaluated, scores: score)
                + EvaluatedRun.searchRemarks(
                    of: evaluated, published: tables.flatMap(\.1).filter(\.isPublished))
            display?.show(tables, remarks: remarks, of: evaluated)
            try communicator.together {
                guard communicator.rank == 0, let markdown, let first = evaluated.first else { return }
                let text = comparisonMarkdown(
                    tables, benchmark: first.benchmark, remarks: remarks)
                try writeFile(text, to: markdown)
            }
            return ExitCode.done
        }
    }

    private func evaluate(
        _ definition: BenchmarkDefinition?, _ communicator: any Communicator, _ display: EvaluationDisplay?
    ) throws -> [EvaluatedRun] {
        let threads = try ThreadChoice(communicator)
        return try runs.map { run in
            try RunEvaluation(
                folder: run, options: options, definition: definition, communicator: communicator,
                threads: threads, display: display
            ).run()
        }
    }

    private var options: EvaluationOptions {
        var options = EvaluationOptions(
            makeCopyProgress: { ByteProgress("staging \($0)", isLog: true) }, notice: noticeRenamed)
        options.settings = settings
        options.scores = score
        options.data = data
        options.optionalSets = with
        options.searches = search
        options.savesScores = saveScores
        options.bootstrap = bootstrap.map { Bootstrap(replicates: $0, seed: bootstrapSeed) }
        options.measuresFeatures = diagnostics
        options.ensemble = ensemble.folders
        options.checkpoint = checkpoint
        options.stage = stage
        return options
    }
}
