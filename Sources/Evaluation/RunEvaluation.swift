internal import Checkpoints
package import Cluster
internal import Datasets
internal import Detection
internal import Files
internal import Foundation
internal import Kernels
internal import Metrics
internal import Networks
internal import Reporting
package import RunConfiguration
package import Training
internal import Workers

/// The evaluation of one run folder: of all its seeds, or of a single seed if it is a seed folder.
package struct RunEvaluation {
    package let folder: String
    package let options: EvaluationOptions
    /// `nil` for the sets of the run's configuration.
    package let definition: BenchmarkDefinition?
    package let communicator: any Communicator
    package let threads: ThreadChoice
    package let display: (any EvaluationObserver)?

    package init(
        folder: String, options: EvaluationOptions, definition: BenchmarkDefinition?,
        communicator: any Communicator, threads: ThreadChoice, display: (any EvaluationObserver)?
    ) {
        self.folder = folder
        self.options = options
        self.definition = definition
        self.communicator = communicator
        self.threads = threads
        self.display = display
    }

    /// Evaluates every seed and writes the results of each and their summary.
    package func run() throws -> EvaluatedRun {
        let seedFolders = try communicator.valueOfRankZero { try checkedSeeds() }
        let seeds = try seedFolders.map { try evaluate(RunDirectory(path: $0)) }
        try together {
            guard communicator.rank == 0 else { return }
            let run = EvaluatedRun(folder: folder, seedFolders: seedFolders, seeds: seeds.map(\.kept))
            try run.checkSeeds(notice: options.notice)
            try run.writeSummary()
        }
        return EvaluatedRun(folder: folder, seedFolders: seedFolders, seeds: seeds.map(\.new))
    }

    /// The seeds' folders; throws if their configurations do not allow a mean.
    private func checkedSeeds() throws -> [String] {
        let seeds = try RunDirectory.seedFolders(of: folder)
        try SeedAgreement.check(
            seeds.map { ($0, try configuration(of: RunDirectory(path: $0))) })
        return seeds
    }

    private func configuration(of directory: RunDirectory) throws(ConfigurationError) -> RunConfiguration {
        try RunConfiguration.load(
            files: [directory.configurationPath], overrides: options.settings, names: .known,
            notice: options.notice)
    }

    /// - Returns: The record of this evaluation, and on rank 0 the same merged with the tables of
    ///   earlier evaluations.
    private func evaluate(
        _ directory: RunDirectory
    ) throws -> (new: EvaluationRecord, kept: EvaluationRecord) {
        let configuration = try together { try self.configuration(of: directory) }
        if !configuration.cluster.watchdog { communicator.board.stopWatching() }
        let names = options.scores.isEmpty ? configuration.distinctScores : options.scores
        var sets = try together { () throws(DatasetError) in
            guard let definition else { return BenchmarkSets(configuration) }
            return try BenchmarkSets(definition, in: options.data, with: options.optionalSets, configuration)
        }
        let searches =
            (configuration.evaluation.search || options.searches) && names.contains(where: \.hasSearch)
        let needs = ScoreNeeds(names, hasValidation: sets.validation != nil, searches: searches)
        sets.keep(
            training: needs.training != .nothing, validation: needs.validation,
            outlierValidation: needs.outliers)
        try together { try checkOutliers(sets, names, searches: searches) }
        let folders = try Staging(
            folder: options.stage, communicator: communicator, makeProgress: options.makeCopyProgress
        ).stage(sets.paths)
        let model = try together {
            let model = try LoadedModel(directory, options.checkpoint, configuration)
            try model.check(scores: names)
            guard !options.measuresFeatures || model.classifier.headKind.isClassifier else {
                throw ConfigurationError(
                    key: "--diagnostics", found: "given",
                    expected: "a network with logits: \(model.path) has a projection head")
            }
            return model
        }
        let members = try together {
            try Ensemble(
                folders: options.ensemble, checkpoint: options.checkpoint, settings: options.settings
            )
            .load(for: names, beside: directory, configuration, notice: options.notice)
        }
        try communicator.checkSharedFolder("\(configuration.yaml) \(model.weightsHash)", of: directory.path)
        communicator.board.enter(.evaluation)
        let classes = ClassAgreement(
            classes: model.classifier.classes, training: try? Manifest(folder: configuration.data.train))
        var opened = try together { try sets.open(folders, classes: classes) }
        if !members.isEmpty {
            opened.remarks.append("ensemble: with \(members.map(\.path).joined(separator: ", "))")
        }
        let classifier = model.classifier
        if let remark = classifier.evaluationConvolutions.libraryRemark(for: classifier.convolutionShapes) {
            opened.remarks.append(remark)
        }
        if classifier.evaluationConvolutions == .mixed {
            opened.remarks.append("convolutions are computed in mixed precision (evaluation.precision)")
        }
        let pool = try together { try WorkerPool(exactly: threads.count(configuration.compute.threads)) }
        let measure =
            options.measuresFeatures
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
            evaluation, opened, checkpoint: options.checkpoint, model: model, configuration)
        kept.unfinished = RunProgress(directory, configuration).unfinished
        let files = EvaluationFiles(
            directory: directory, opened: opened, evaluation: evaluation, kept: kept,
            configuration: configuration)
        return try together {
            guard communicator.rank == 0 else { return (kept, kept) }
            let merged = try files.write()
            if options.savesScores { try files.writeScores() }
            if let measure { try show(measure, evaluation, files) }
            if let bootstrap = options.bootstrap { try show(bootstrap, files, pool) }
            return (kept, merged)
        }
    }

    /// Throws if a set that a score's fit or search needs is not configured.
    private func checkOutliers(
        _ sets: BenchmarkSets, _ names: [ScoreDefinition], searches: Bool
    ) throws(ConfigurationError) {
        if sets.outlierValidation == nil, let score = names.first(where: { $0.inputs.contains(.outliers) }) {
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
        try communicator.together(body)
    }
}
