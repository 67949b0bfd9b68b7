import Checkpoints
import Cluster
import Datasets
import Detection
import Files
import Foundation
import Metrics
import Networks
import Reporting
import RunConfiguration
import Training
import Workers

/// The evaluation of one run folder: of all its seeds, or of the one it is.
struct RunEvaluation {
    let folder: String
    let settings: [String]
    let scores: [ScoreName]
    let checkpoint: String
    let staging: Staging
    let communicator: any Communicator
    let display: EvaluationDisplay?

    /// One column of the table a score: the summary over seeds.
    func contenders() throws -> [Table.Contender] {
        let seeds = try together { try seedFolders() }
        var results: [[BenchmarkResult]] = []
        var names: [ScoreName] = []
        for seed in seeds {
            let evaluation = try evaluate(RunDirectory(path: seed))
            names = evaluation.results.map(\.score)
            results.append(evaluation.results.map(\.result))
        }
        return names.enumerated().map { index, score in
            Table.Contender(
                run: title, score: score.rawValue, summary: BenchmarkSummary(results.map { $0[index] }))
        }
    }

    private var title: String { URL(filePath: folder).lastPathComponent }

    func seedFolders() throws(CheckpointError) -> [String] { try t2fnorm.seedFolders(of: folder) }

    private func evaluate(_ directory: RunDirectory) throws -> Evaluation {
        let configuration = try together { try self.configuration(of: directory) }
        let names = scores.isEmpty ? configuration.evaluation.scores.compactMap(ScoreName.init) : scores
        let data = configuration.data
        let searches = configuration.evaluation.search && names.haveSearch
        let trainingPath = names.needTraining(hasValidation: !data.validation.isEmpty) ? data.train : ""
        let validationPath = searches || names.needValidation ? data.validation : ""
        let outlierPath = searches ? configuration.evaluation.outlierValidation : ""
        let folders = try staging.stage(
            configuration.evaluatedDatasets + [trainingPath, validationPath, outlierPath])
        let (classifier, benchmark) = try together { try load(directory, configuration, folders) }
        let pool = WorkerPool(
            threads: configuration.compute.threads > 0
                ? configuration.compute.threads
                : CPUTopology.current().threads(ranks: communicator.localSize))
        let pass = ForwardPass(
            classifier: classifier, transform: configuration.evaluationTransform,
            laneSize: configuration.training.lane, batchSize: configuration.evaluation.batch,
            communicator: communicator, pool: pool)
        let fitted = try together {
            try [
                ("training", trainingPath), ("validation", validationPath),
                ("outlier validation", outlierPath),
            ]
            .map { $1.isEmpty ? nil : try open($0, folders[$1] ?? $1) }
        }
        let (training, validation, outliers) = (fitted[0], fitted[1], fitted[2])
        let evaluator = Evaluator(
            pass, classifier: classifier, communicator: communicator, describe: failureReport)
        display?.start(
            run: directory.path, benchmark: benchmark, fitting: fitted.compactMap(\.self),
            worldSize: communicator.worldSize)
        display?.announceCost(of: names)
        let evaluation = try evaluator.evaluate(
            benchmark, scores: names, training: training, validation: validation, outlierValidation: outliers
        ) {
            display?.progress(set: $0, done: $1)
        }
        display?.show(evaluation.choices)
        try together { try write(evaluation, benchmark: benchmark.inDistribution.name, to: directory) }
        return evaluation
    }

    private func configuration(of directory: RunDirectory) throws -> RunConfiguration {
        try RunConfiguration.load(
            files: [directory.configurationPath], overrides: settings, names: .known)
    }

    private func load(
        _ directory: RunDirectory, _ configuration: RunConfiguration, _ folders: [String: String]
    ) throws -> (Classifier, Benchmark) {
        let path = try directory.checkpointPath(checkpoint)
        let model = try CheckpointStore.load(path)
        try model.check(fits: configuration, path: path)
        let classifier = try model.makeClassifier(path: path)
        try configuration.checkImageSize(of: classifier.name)
        let folder = { (path: String) in folders[path] ?? path }
        let test = try PackedDataset(path: folder(configuration.data.test))
        try checkLabels(of: test, classes: classifier.classes)
        let benchmark = Benchmark(
            inDistribution: NamedSet(name: test.name, source: test),
            near: try configuration.evaluation.near.entries.map { try open($0.name, folder($0.path)) },
            far: try configuration.evaluation.far.entries.map { try open($0.name, folder($0.path)) })
        return (classifier, benchmark)
    }

    private func open(_ name: String, _ path: String) throws(DatasetError) -> NamedSet {
        NamedSet(name: name, source: try PackedDataset(path: path))
    }

    private func write(_ evaluation: Evaluation, benchmark: String, to directory: RunDirectory) throws {
        guard communicator.rank == 0 else { return }
        for (score, result) in evaluation.results {
            let path = "\(directory.evaluationPath(benchmark: benchmark))/\(score.rawValue).csv"
            try writeFile(Table(BenchmarkSummary([result])).csv, to: path)
        }
        if !evaluation.choices.isEmpty {
            try writeFile(
                searchLog(evaluation.choices),
                to: "\(directory.evaluationPath(benchmark: benchmark))/search.csv")
        }
    }

    /// One line a score: its name, the settings chosen, the AUROC on the validation sets and how many settings were tried.
    private func searchLog(_ choices: [ScoreChoice]) -> String {
        let lines = choices.map { choice in
            let settings = choice.settings.map(\.description).joined(separator: "; ")
            return "\(choice.score.rawValue),\(settings),\(choice.areaUnderROC),\(choice.triedCount)\n"
        }
        return "score,settings,auroc,tried\n" + lines.joined()
    }

    private func together<Result>(_ body: () throws -> Result) throws -> Result {
        try communicator.together(describe: failureReport, body)
    }
}

extension RunConfiguration {
    /// The folders of the sets that an evaluation reads.
    fileprivate var evaluatedDatasets: [String] {
        [data.test] + (evaluation.near.entries + evaluation.far.entries).map(\.path)
    }
}
