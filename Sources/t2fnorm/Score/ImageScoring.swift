import Checkpoints
import Cluster
import Datasets
import Detection
import Files
import Foundation
import Networks
import RunConfiguration
import Training
import Workers

/// Scores a user's images with a run's model on all ranks; rank 0 writes the output.
struct ImageScoring {
    let command: ScoreCommand
    let communicator: any Communicator

    func run() throws {
        let threads = try ThreadChoice(communicator)
        let (directory, configuration) = try together { try openRun() }
        let score = try together { try self.score(configuration) }
        let model = try together {
            let model = try LoadedModel(directory, command.checkpoint, configuration)
            try model.check(scores: [score])
            return model
        }
        if !configuration.cluster.watchdog { communicator.board.stopWatching() }
        try communicator.checkAlike("\(configuration.yaml) \(model.weightsHash)", of: directory.path)
        let members = try together {
            try command.ensemble.load(
                for: [score], beside: directory, configuration, checkpoint: command.checkpoint,
                settings: command.settings)
        }
        let (inputs, notes) = try together { () throws(DatasetError) in
            try ScoredInput.open(command.inputs, skipsBad: command.onBad == .skip)
        }
        // Ranks on other hosts may see an older side file or none, and would then score other sets
        // than rank 0.
        var thresholds = try ThresholdFile.ofRank0(
            communicator,
            ThresholdFile(
                of: model.path, weights: model.weightsHash, preprocessing: configuration.preprocessingHash))
        let fitting = try together { try fittingSets(score, configuration, members) }
        let fingerprint = validationFingerprint(configuration)
        let own = thresholds.scores[score.rawValue].flatMap { entry -> ThresholdFile.Entry? in
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
        let progress = communicator.rank == 0 ? ScoringProgress(worldSize: communicator.worldSize) : nil
        let sets = (validation.map { [NamedSet(name: "validation", source: $0)] } ?? []) + inputs.map(\.set)
        progress?.start(sets + fitting.sets)
        let (scored, _) = try model.evaluator(
            configuration, members: members, communicator, pool
        ).score(
            sets, by: [score], training: fitting.training, validation: fitting.validation,
            outlierValidation: fitting.outliers, measure: LargestProbability()
        ) { progress?.update(set: $0, done: $1) }
        progress?.clear()

        if let validation {
            thresholds.classNames = validation.manifest.classNames
            thresholds.scores[score.rawValue] = ThresholdFile.Entry(
                training: fitting.trainingFingerprint, validation: validation.fingerprint,
                settings: configuration.scoreDescription(of: score),
                confidences: try together { try ScoreThreshold(scored[0].confidences[0], of: score) }
                    .confidences)
        }
        let failures = try inputs.map { try gather($0.lenient?.failures ?? [:]) }
        try together {
            guard communicator.rank == 0 else { return }
            if validation != nil { keep(thresholds, model) }
            for note in notes { printError("t2fnorm: note: \(note)") }
            // Side files of earlier versions hold the shortest decimal digits of single precision.
            let confidences = score.precision.rounded(thresholds.scores[score.rawValue]?.confidences ?? [])
            let threshold = try ScoreThreshold(confidences, of: score).value(atRate: command.tpr)
            try write(
                lines(
                    inputs, Array(scored.suffix(inputs.count)), failures, threshold, score.precision,
                    thresholds.classNames))
            report(failures, inputs, score, threshold)
        }
    }

    // MARK: - Inputs

    private func openRun() throws -> (RunDirectory, RunConfiguration) {
        let seeds = try seedFolders(of: command.folder)
        guard seeds.count == 1 else {
            throw CheckpointError(
                path: command.folder,
                reason: "holds \(seeds.count) seeds; name one of them, such as \(seeds[0])")
        }
        let directory = RunDirectory(path: seeds[0])
        return (
            directory,
            try RunConfiguration.load(
                files: [directory.configurationPath], overrides: command.settings, names: .known,
                notice: noticeRenamed)
        )
    }

    private func score(_ configuration: RunConfiguration) throws -> ScoreName {
        if let score = command.score { return score }
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
        _ score: ScoreName, _ configuration: RunConfiguration, _ members: [LoadedModel]
    ) throws -> FittingSets {
        var sets = FittingSets()
        let validationPath = command.validation ?? configuration.data.validation
        if [score].needTraining(hasValidation: !validationPath.isEmpty) {
            let set = try PackedDataset(path: configuration.data.train)
            sets.training = NamedSet(name: "training", source: set)
            sets.add(fingerprint: set.fingerprint)
        }
        if [score].needValidation && !validationPath.isEmpty {
            let set = try PackedDataset(path: validationPath)
            sets.validation = NamedSet(name: "validation", source: set)
            sets.add(fingerprint: set.fingerprint)
        }
        if score.needsOutliers {
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
        let path = command.validation ?? configuration.data.validation
        return path.isEmpty ? nil : (try? Manifest(folder: path))?.fingerprint
    }

    private func openValidation(
        _ configuration: RunConfiguration, classes: Int
    ) throws -> PackedDataset {
        let path = command.validation ?? configuration.data.validation
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
    private func keep(_ thresholds: ThresholdFile, _ model: LoadedModel) {
        do {
            try thresholds.write(for: model.path)
        } catch {
            printError("t2fnorm: note: the threshold is not saved: \(error)")
        }
    }

    // MARK: - Output

    /// The errors of unreadable images on all ranks, by record. Collective.
    private func gather(_ own: [Int: DatasetError]) throws -> [Int: DatasetError] {
        var all: [Int: DatasetError] = [:]
        let message = Array(try JSONEncoder().encode(own))
        for rank in 0..<communicator.worldSize {
            let bytes = try communicator.broadcast(message, from: rank)
            let part = try JSONDecoder().decode([Int: DatasetError].self, from: Data(bytes))
            all.merge(part) { first, _ in first }
        }
        return all
    }

    private func lines(
        _ inputs: [ScoredInput], _ sets: [ScoredSet], _ failures: [[Int: DatasetError]], _ threshold: Double,
        _ precision: ScorePrecision, _ classNames: [String]
    ) throws -> String {
        var text = command.format.header
        for ((input, set), failures) in zip(zip(inputs, sets), failures) {
            for (place, record) in set.records.enumerated() {
                if let error = failures[record] {
                    text += try command.format.line(
                        ScoredImage(path: input.path(record), decision: .unreadable, error: error.reason))
                    continue
                }
                let (score, label) = (set.confidences[0][place], Int(set.predictions[place]))
                guard score.isFinite else {
                    throw FitError(
                        reason: "the score of \(input.path(record)) is \(score), expected a finite number",
                        isNumeric: true)
                }
                text += try command.format.line(
                    ScoredImage(
                        path: input.path(record),
                        className: label < 0
                            ? nil : classNames.indices.contains(label) ? classNames[label] : "\(label)",
                        confidence: label < 0 ? nil : set.measures[0][place],
                        score: ScoredImage.Number(score, precision),
                        decision: score >= threshold ? .inside : .outside))
            }
        }
        return text
    }

    private func write(_ text: String) throws {
        guard let output = command.output else {
            writeData(text)
            return
        }
        try writeFile(text, to: output)
    }

    private func report(
        _ failures: [[Int: DatasetError]], _ inputs: [ScoredInput], _ score: ScoreName, _ threshold: Double
    ) {
        printError(
            "t2fnorm: note: 'in' means \(score.rawValue) of \(ScoredImage.Number(threshold, score.precision)) or more, as for \(decimal(100 * command.tpr, 1)) % of the validation set"
        )
        let count = failures.reduce(0) { $0 + $1.count }
        guard count > 0 else { return }
        printError(
            "t2fnorm: note: \(count) of \(inputs.reduce(0) { $0 + $1.set.source.count }) images could not be read:"
        )
        for failures in failures {
            for (_, error) in failures.sorted(by: { $0.key < $1.key }) { printError("  \(error)") }
        }
    }

    private func together<Result>(_ body: () throws -> Result) throws -> Result {
        try communicator.together(describe: failureReport, body)
    }
}
