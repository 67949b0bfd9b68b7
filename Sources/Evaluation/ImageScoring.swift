internal import Checkpoints
package import Cluster
package import Datasets
package import Detection
internal import Files
internal import Foundation
internal import Networks
internal import Reporting
package import RunConfiguration
internal import Training
internal import Workers

/// Scores a user's images with a run's model on all ranks.
package struct ImageScoring {
    /// What is scored, and how.
    package struct Options {
        /// The folder of a run with one seed, or of one seed.
        package var folder: String
        /// Image files, folders of images, packed datasets.
        package var inputs: [String]
        /// `nil` for the first score of the run's configuration.
        package var score: ScoreDefinition?
        /// The fraction of in-distribution images to accept, above 0 and at most 1.
        package var truePositiveRate = 0.95
        /// Whether images that cannot be read are skipped; otherwise the first one ends the job.
        package var skipsBad = false
        /// The packed validation set; `nil` for the configuration's.
        package var validation: String?
        /// Settings on top of the run's configuration, as `key=value`.
        package var settings: [String] = []
        /// Folders of the other runs of an ensemble.
        package var ensemble: [String] = []
        /// The model's file below the run's checkpoints, or `latest`.
        package var checkpoint = "best.h5"

        package init(folder: String, inputs: [String]) {
            self.folder = folder
            self.inputs = inputs
        }
    }

    /// The results of all images.
    package struct Outcome {
        package var score: ScoreDefinition
        /// Images whose score is at least this are in-distribution.
        package var threshold: Double
        /// In the order of the inputs.
        package var images: [ScoredImage] = []
        /// The errors of unreadable images, in the same order.
        package var failures: [DatasetError] = []
        /// Notes on the inputs and on the side file, for the user.
        package var notes: [String] = []
    }

    /// Observes the scoring on rank 0.
    package protocol Observer {
        func start(_ sets: [NamedSet])

        /// - Parameter done: Records of the set that this rank has scored.
        func update(set: String, done: Int)

        /// Called when all images are scored.
        func clear()
    }

    private let options: Options
    private let communicator: any Communicator
    private let observer: (any Observer)?
    private let notice: (RenamedSettings) -> Void

    /// - Parameters:
    ///   - observer: Called on this rank.
    ///   - notice: Called if a configuration uses earlier names of settings.
    package init(
        _ options: Options, communicator: any Communicator, observer: (any Observer)? = nil,
        notice: @escaping (RenamedSettings) -> Void = { _ in }
    ) {
        self.options = options
        self.communicator = communicator
        self.observer = observer
        self.notice = notice
    }

    /// Scores the images. Collective.
    ///
    /// - Returns: The results on rank 0; `nil` on the others.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    package func run() throws -> Outcome? {
        let threads = try ThreadChoice(communicator)
        let (directory, configuration) = try together { try openRun() }
        let score = try together { try self.score(configuration) }
        let model = try together {
            let model = try LoadedModel(directory, options.checkpoint, configuration)
            try model.check(scores: [score])
            return model
        }
        if !configuration.cluster.watchdog { communicator.board.stopWatching() }
        try communicator.checkSharedFolder("\(configuration.yaml) \(model.weightsHash)", of: directory.path)
        let members = try together {
            try Ensemble(
                folders: options.ensemble, checkpoint: options.checkpoint, settings: options.settings
            )
            .load(for: [score], beside: directory, configuration, notice: notice)
        }
        let (inputs, notes) = try together { () throws(DatasetError) in
            try ScoredInput.open(options.inputs, skipsBad: options.skipsBad)
        }
        // Ranks on other hosts may see an older side file or none, and would then score other sets
        // than rank 0.
        var thresholds = try communicator.valueOfRankZero {
            ThresholdFile(
                of: model.path, weights: model.weightsHash, preprocessing: configuration.preprocessingHash)
        }
        let fitting = try together { try fittingSets(score, configuration, members) }
        let fingerprint = validationFingerprint(configuration)
        let own = thresholds.scores[score.title].flatMap { entry -> ThresholdFile.Entry? in
            let isOfValidation = fingerprint.map { $0 == entry.validation } ?? true
            let isOfSettings = entry.settings == configuration.scoreDescription(of: score)
            return entry.training == fitting.trainingFingerprint && isOfValidation && isOfSettings
                ? entry : nil
        }
        let kept = try communicator.anyRank(own == nil) ? nil : own
        let validation = try together {
            try kept == nil ? openValidation(configuration, classes: model.classifier.classes) : nil
        }

        let pool = try together { try WorkerPool(exactly: threads.count(configuration.compute.threads)) }
        communicator.board.enter(.evaluation)
        let sets = (validation.map { [NamedSet(name: "validation", source: $0)] } ?? []) + inputs.map(\.set)
        observer?.start(sets + fitting.sets)
        let (scored, _) = try model.evaluator(
            configuration, members: members, communicator, pool
        ).score(
            sets, by: [score], training: fitting.training, validation: fitting.validation,
            outlierValidation: fitting.outliers, measure: LargestProbability()
        ) { observer?.update(set: $0, done: $1) }
        observer?.clear()

        if let validation {
            thresholds.classNames = validation.manifest.classNames
            thresholds.scores[score.title] = ThresholdFile.Entry(
                training: fitting.trainingFingerprint, validation: validation.fingerprint,
                settings: configuration.scoreDescription(of: score),
                confidences: try together { try ScoreThreshold(scored[0].confidences[0], of: score) }
                    .confidences)
        }
        let failures = try inputs.map { try gather($0.lenient?.failures ?? [:]) }
        return try together {
            guard communicator.rank == 0 else { return nil }
            // Side files of earlier versions hold the shortest decimal digits of single precision.
            let confidences = score.precision.rounded(thresholds.scores[score.title]?.confidences ?? [])
            let threshold = try ScoreThreshold(confidences, of: score).value(atRate: options.truePositiveRate)
            return Outcome(
                score: score, threshold: threshold,
                images: try images(
                    inputs, Array(scored.suffix(inputs.count)), failures, threshold, score.precision,
                    thresholds.classNames),
                failures: failures.flatMap { $0.sorted { $0.key < $1.key }.map(\.value) },
                notes: (validation == nil ? [] : keep(thresholds, model)) + notes)
        }
    }

    // MARK: - Inputs

    private func openRun() throws -> (RunDirectory, RunConfiguration) {
        let seeds = try RunDirectory.seedFolders(of: options.folder)
        guard seeds.count == 1 else {
            throw CheckpointError(
                path: options.folder,
                reason: "holds \(seeds.count) seeds; name one of them, such as \(seeds[0])")
        }
        let directory = RunDirectory(path: seeds[0])
        return (
            directory,
            try RunConfiguration.load(
                files: [directory.configurationPath], overrides: options.settings, names: .known,
                notice: notice)
        )
    }

    private func score(_ configuration: RunConfiguration) throws -> ScoreDefinition {
        if let score = options.score { return score }
        guard let score = configuration.distinctScores.first else {
            throw ConfigurationError(
                key: "evaluation.scores", found: "empty", expected: "a score, or one named with --score")
        }
        return score
    }

    /// The sets on which a score is fitted.
    private struct FittingSets {
        var training: NamedSet?
        var validation: NamedSet?
        var outliers: NamedSet?
        /// Fingerprints of what thresholds depend on besides the model and its validation set: the
        /// sets above and the weights of an ensemble's members.
        var trainingFingerprint: String?

        var sets: [NamedSet] { [training, validation, outliers].compactMap(\.self) }

        mutating func add(fingerprint: String) {
            trainingFingerprint = (trainingFingerprint.map { "\($0) " } ?? "") + fingerprint
        }
    }

    private func fittingSets(
        _ score: ScoreDefinition, _ configuration: RunConfiguration, _ members: [LoadedModel]
    ) throws -> FittingSets {
        var sets = FittingSets()
        let validationPath = options.validation ?? configuration.data.validation
        let needs = ScoreNeeds([score], hasValidation: !validationPath.isEmpty)
        if needs.training != .nothing {
            let set = try PackedDataset(path: configuration.data.train)
            sets.training = NamedSet(name: "training", source: set)
            sets.add(fingerprint: set.fingerprint)
        }
        if needs.validation && !validationPath.isEmpty {
            let set = try PackedDataset(path: validationPath)
            sets.validation = NamedSet(name: "validation", source: set)
            sets.add(fingerprint: set.fingerprint)
        }
        if needs.outliers {
            let path = configuration.evaluation.outlierValidation
            guard !path.isEmpty else { throw ConfigurationError.missingOutliers(for: score) }
            let set = try PackedDataset(path: path)
            sets.outliers = NamedSet(name: "outlier validation", source: set)
            sets.add(fingerprint: set.fingerprint)
        }
        for member in members { sets.add(fingerprint: member.weightsHash) }
        return sets
    }

    /// The current fingerprint of the validation set; `nil` if the set is not readable, in which
    /// case the confidences in the side file are used.
    private func validationFingerprint(_ configuration: RunConfiguration) -> String? {
        let path = options.validation ?? configuration.data.validation
        return path.isEmpty ? nil : (try? Manifest(folder: path))?.fingerprint
    }

    private func openValidation(
        _ configuration: RunConfiguration, classes: Int
    ) throws -> PackedDataset {
        let path = options.validation ?? configuration.data.validation
        guard !path.isEmpty else {
            throw ConfigurationError(
                key: "data.validation", found: "empty",
                expected: """
                    the packed in-distribution validation set, for the threshold; name it with --validation
                    """)
        }
        let set = try PackedDataset(path: path)
        try ClassAgreement(classes: classes, training: try? Manifest(folder: configuration.data.train))
            .check(set)
        return set
    }

    /// Writes the thresholds beside the checkpoint. A failure is only a note: the next run then
    /// scores the validation set again.
    private func keep(_ thresholds: ThresholdFile, _ model: LoadedModel) -> [String] {
        do {
            try thresholds.write(for: model.path)
            return []
        } catch {
            return ["the threshold is not saved: \(error)"]
        }
    }

    // MARK: - Results

    /// The errors of unreadable images on all ranks, by record. Collective.
    private func gather(_ own: [Int: DatasetError]) throws -> [Int: DatasetError] {
        try communicator.gatherValues(own).reduce(into: [:]) { all, part in
            all.merge(part) { first, _ in first }
        }
    }

    private func images(
        _ inputs: [ScoredInput], _ sets: [ScoredSet], _ failures: [[Int: DatasetError]], _ threshold: Double,
        _ precision: ScorePrecision, _ classNames: [String]
    ) throws -> [ScoredImage] {
        var images: [ScoredImage] = []
        for ((input, set), failures) in zip(zip(inputs, sets), failures) {
            for (place, record) in set.records.enumerated() {
                if let error = failures[record] {
                    images.append(
                        ScoredImage(path: input.path(record), decision: .unreadable, error: error.reason))
                    continue
                }
                let (score, label) = (set.confidences[0][place], Int(set.predictions[place]))
                guard score.isFinite else {
                    throw FitError(
                        reason: "the score of \(input.path(record)) is \(score), expected a finite number",
                        isNumeric: true)
                }
                images.append(
                    ScoredImage(
                        path: input.path(record),
                        className: label < 0
                            ? nil : classNames.indices.contains(label) ? classNames[label] : "\(label)",
                        confidence: label < 0 ? nil : set.measures[0][place],
                        score: ScoredImage.Number(score, precision),
                        decision: score >= threshold ? .inside : .outside))
            }
        }
        return images
    }

    private func together<Result>(_ body: () throws -> Result) throws -> Result {
        try communicator.together(body)
    }
}
