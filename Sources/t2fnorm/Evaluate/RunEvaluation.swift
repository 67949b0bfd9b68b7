import Checkpoints
import Cluster
import Datasets
import Detection
import Files
import Foundation
import Kernels
import Metrics
import Networks
import Reporting
import RunConfiguration
import Training
import Workers

/// The evaluation of one run folder: of all its seeds, or of a single seed if it is a seed folder.
struct RunEvaluation {
    let folder: String
    let command: EvaluateCommand
    /// `nil` for the sets of the run's configuration.
    let definition: BenchmarkDefinition?
    let communicator: any Communicator
    let threads: ThreadChoice
    let display: EvaluationDisplay?

    /// Evaluates every seed and writes the results of each and their summary.
    func run() throws -> EvaluatedRun {
        let seedFolders = try communicator.fromRankZero(describe: failureReport) {
            Array(try JSONEncoder().encode(checkedSeeds()))
        }.decoded(as: [String].self)
        let seeds = try seedFolders.map { try evaluate(RunDirectory(path: $0)) }
        try together {
            guard communicator.rank == 0 else { return }
            let run = EvaluatedRun(folder: folder, seedFolders: seedFolders, seeds: seeds.map(\.kept))
            try run.checkSeeds()
            try run.writeSummary()
        }
        return EvaluatedRun(folder: folder, seedFolders: seedFolders, seeds: seeds.map(\.new))
    }

    /// The seeds' folders; throws if their configurations do not allow a mean.
    private func checkedSeeds() throws -> [String] {
        let seeds = try t2fnorm.seedFolders(of: folder)
        try SeedAgreement.check(
            seeds.map { ($0, try configuration(of: RunDirectory(path: $0))) })
        return seeds
    }

    private func configuration(of directory: RunDirectory) throws(ConfigurationError) -> RunConfiguration {
        try RunConfiguration.load(
            files: [directory.configurationPath], overrides: command.settings, names: .known,
            notice: noticeRenamed)
    }

    /// - Returns: The record of this evaluation, and on rank 0 the same merged with the tables of
    ///   earlier evaluations.
    private func evaluate(
        _ directory: RunDirectory
    ) throws -> (new: EvaluationRecord, kept: EvaluationRecord) {
        let configuration = try together { try self.configuration(of: directory) }
        if !configuration.cluster.watchdog { communicator.board.stopWatching() }
        let names = command.score.isEmpty ? configuration.distinctScores : command.score
        var sets = try together { () throws(DatasetError) in
            guard let definition else { return BenchmarkSets(configuration) }
            return try BenchmarkSets(definition, in: command.data, with: command.with, configuration)
        }
        let searches = (configuration.evaluation.search || command.search) && names.haveSearch
        sets.keep(
            training: names.needTraining(hasValidation: sets.validation != nil),
            validation: searches || names.needValidation,
            outlierValidation: searches || names.needOutliers)
        try together { try checkOutliers(sets, names, searches: searches) }
        let folders = try Staging(folder: command.stage, communicator: communicator).stage(sets.paths)
        let model = try together {
            let model = try LoadedModel(directory, command.checkpoint, configuration)
            try model.check(scores: names)
            guard !command.diagnostics || model.classifier.headKind.isClassifier else {
                throw ConfigurationError(
                    key: "--diagnostics", found: "given",
                    expected: "a network with logits: \(model.path) has a projection head")
            }
            return model
        }
        let members = try together {
            try command.ensemble.load(
                for: names, beside: directory, configuration, checkpoint: command.checkpoint,
                settings: command.settings)
        }
        try communicator.checkAlike("\(configuration.yaml) \(model.weightsHash)", of: directory.path)
        communicator.board.enter(.evaluation)
        let classes = ClassAgreement(
            classes: model.classifier.classes, training: try? Manifest(folder: configuration.data.train))
        var opened = try together { try sets.open(folders, classes: classes) }
        if !members.isEmpty {
            opened.remarks.append("ensemble: with \(members.map(\.path).joined(separator: ", "))")
        }
        let classifier = model.classifier
        if let remark = classifier.convolutions.libraryRemark(for: classifier.convolutionShapes) {
            opened.remarks.append(remark)
        }
        let pool = try together { try WorkerPool(exactly: threads.count(configuration.compute.threads)) }
        let measure =
            command.diagnostics
            ? FeatureMeasure(model.classifier, microbatchSize: configuration.training.microbatch, pool: pool)
            : nil
        display?.show(threads: threads.description(configuration.compute.threads))
        display?.start(
            run: directory.path, benchmark: opened.benchmark, fitting: opened.fitting,
            worldSize: communicator.worldSize)
        display?.announceCost(of: names)
        let evaluation = try model.evaluator(
            configuration, members: members, communicator, pool
        ).evaluate(
            opened.benchmark, scores: names, training: opened.training, validation: opened.validation,
            outlierValidation: opened.outlierValidation, searches: searches, measure: measure
        ) {
            display?.progress(set: $0, done: $1)
        }
        display?.show(evaluation.choices)
        var kept = EvaluationRecord(
            evaluation, opened, checkpoint: command.checkpoint, model: model, configuration)
        kept.unfinished = RunProgress(directory, configuration).unfinished
        let files = EvaluationFiles(
            directory: directory, opened: opened, evaluation: evaluation, kept: kept,
            configuration: configuration)
        return try together {
            guard communicator.rank == 0 else { return (kept, kept) }
            let merged = try files.write()
            if command.saveScores { try files.writeScores() }
            if let measure { try show(measure, evaluation, files) }
            if let replicates = command.bootstrap {
                try show(Bootstrap(replicates: replicates, seed: command.bootstrapSeed), files, pool)
            }
            return (kept, merged)
        }
    }

    /// Throws if a set that a score's fit or search needs is not configured.
    private func checkOutliers(
        _ sets: BenchmarkSets, _ names: [ScoreName], searches: Bool
    ) throws(ConfigurationError) {
        if sets.outlierValidation == nil, let score = names.first(where: \.needsOutliers) {
            throw .missingOutliers(for: score)
        }
        for (key, set) in [
            ("evaluation.outlierValidation", sets.outlierValidation), ("data.validation", sets.validation),
        ] where searches && set == nil {
            throw ConfigurationError(
                key: key, found: "empty",
                expected:
                    "the folder of a packed set, as the search for settings of scores uses both validation sets"
            )
        }
    }

    private func show(_ measure: FeatureMeasure, _ evaluation: Evaluation, _ files: EvaluationFiles) throws {
        let table = Table(try FeatureDiagnostics(evaluation.sets, measure))
        try files.writeDiagnostics(table)
        display?.show(table, title: "\(files.directory.path): feature norms")
    }

    private func show(_ bootstrap: Bootstrap, _ files: EvaluationFiles, _ pool: WorkerPool) throws {
        for (title, table) in try files.writeIntervals(bootstrap, on: pool) {
            display?.show(
                table,
                title:
                    "\(files.directory.path), \(title): 95 % intervals of \(bootstrap.replicates) bootstrap replicates"
            )
        }
    }

    private func together<Result>(_ body: () throws -> Result) throws -> Result {
        try communicator.together(describe: failureReport, body)
    }
}
