internal import Checkpoints
public import Cluster
public import Datasets
internal import Detection
internal import Files
public import Kernels
internal import Networks
public import RunConfiguration
internal import Workers

/// One run from its start, or from where it stopped, to its end; on every rank of a job.
///
/// Rank 0 writes: the configuration, the log and the checkpoints. A failure on any rank ends `run` on all of them
/// with the same `JobFailure`.
public final class Trainer {
    private let configuration: RunConfiguration
    private let communicator: any Communicator
    private let observer: (TrainingEvent) -> Void
    private let measure: ([ConvolutionShape]) -> [ConvolutionMeasurement]
    private let datasetFolders: [String: String]
    private let reading: (PackedDataset) -> any ImageSource
    private let directory: RunDirectory
    private let store: CheckpointStore
    private var log: EventLog?
    private var logFailure: FileError?

    /// - Parameters:
    ///   - datasetFolders: Where copies of datasets are to be read from, by the paths in the configuration.
    ///   - observer: Called on every rank with each event, in order.
    ///   - measure: Measures the paths of a network's convolutions; called on rank 0 where the configuration wants it.
    ///   - reading: What reads the training set's records; the set itself by default.
    public init(
        _ configuration: RunConfiguration, communicator: any Communicator,
        datasetFolders: [String: String] = [:],
        observer: @escaping (TrainingEvent) -> Void = { _ in },
        measure: @escaping ([ConvolutionShape]) -> [ConvolutionMeasurement] = { measureConvolutions($0) },
        reading: @escaping (PackedDataset) -> any ImageSource = { $0 }
    ) {
        self.configuration = configuration
        self.communicator = communicator
        self.measure = measure
        self.reading = reading
        self.observer = observer
        self.datasetFolders = datasetFolders
        directory = RunDirectory(configuration)
        store = CheckpointStore(folder: directory.checkpointsPath, keep: configuration.training.keep)
    }

    /// Trains to the end of the last epoch, or to `training.stopAfterSteps`.
    ///
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    public func run(resume: ResumeMode = .automatic) throws {
        let setup = try together {
            try TrainingSetup(
                self.configuration, store: self.store, resume: resume,
                datasetFolders: self.datasetFolders, self.communicator)
        }
        let decision = try decideConvolutions(setup)
        let session = try together {
            try TrainingSession(
                self.configuration, setup, convolutions: decision.choices, reading: self.reading,
                self.communicator)
        }
        try together {
            guard self.communicator.rank == 0 else { return }
            try self.directory.create()
            try self.directory.write(self.configuration)
            self.log = try EventLog(path: self.directory.metricsPath, afterStep: session.position.step)
        }
        announce(setup, session)
        if let report = decision.report { emit(.convolutions(report)) }
        let stop = configuration.training.stopAfterSteps
        while !session.isDone && (stop == 0 || session.position.step < stop) {
            try advance(session)
        }
        if stop != 0 && !session.isDone { try save(session) }
    }

    /// The paths of the convolutions: rank 0's, on every rank.
    private func decideConvolutions(_ setup: TrainingSetup) throws -> ConvolutionDecision {
        let own = try together { () throws -> [UInt8] in
            guard self.communicator.rank == 0 else { return [] }
            return try ConvolutionDecision(self.configuration, setup, measure: self.measure).message()
        }
        return try ConvolutionDecision(message: try communicator.broadcast(own, from: 0))
    }

    /// One step, and what falls due after it.
    private func advance(_ session: TrainingSession) throws {
        let batch = try together {
            if let failure = self.logFailure { throw failure }
            return try session.nextBatch()
        }
        let report = try session.step(batch, communicator)
        guard report.loss.isFinite else {
            throw try agreed(
                TrainingError.lossNotFinite(
                    loss: report.loss, epoch: report.epoch, step: report.stepInEpoch,
                    learningRate: report.learningRate))
        }
        emit(.step(report))
        if session.isAtEndOfEpoch {
            try session.gatherRecords(communicator)
            try together { try session.proveEpoch() }
            let accuracy = try validate(session)
            let isBest = accuracy >= session.position.bestAccuracy
            emit(.epoch(session.endEpoch(validationAccuracy: accuracy)))
            try save(session, isBest: isBest)
        } else if configuration.training.checkpointEvery > 0,
            session.position.step.isMultiple(of: configuration.training.checkpointEvery)
        {
            try save(session)
        }
    }

    private func validate(_ session: TrainingSession) throws -> Double {
        let pass = ForwardPass(
            classifier: session.classifier, transform: configuration.evaluationTransform,
            laneSize: configuration.training.lane, batchSize: configuration.evaluation.batch,
            communicator: communicator, pool: session.pool)
        let correct = try together { try pass.correctPredictions(on: session.validation) }
        var counts = [Int64(correct)]
        var span = counts.mutableSpan
        try communicator.treeSum(&span)
        return Double(counts[0]) / Double(max(session.validation.count, 1))
    }

    private func save(_ session: TrainingSession, isBest: Bool = false) throws {
        try session.gatherRecords(communicator)
        let paths: [String] = try together {
            if let failure = self.logFailure { throw failure }
            try session.checkParameters()
            guard self.communicator.rank == 0 else { return [] }
            let checkpoint = session.checkpoint(configuration: self.configuration.yaml)
            try self.store.save(checkpoint)
            if isBest { try self.store.saveBest(checkpoint) }
            return [self.directory.checkpointsPath]
        }
        for path in paths { emit(.checkpoint(path: path, isBest: isBest)) }
    }

    private func announce(_ setup: TrainingSetup, _ session: TrainingSession) {
        for notice in setup.notices { observer(.notice(notice)) }
        if session.position.epochRecords == nil {
            observer(
                .notice(
                    """
                    an earlier version began epoch \(session.position.epoch + 1) without counting records: that it uses each one once will \
                    be proved from the next epoch on
                    """))
        }
        if !communicator.isExact {
            observer(
                .notice(
                    """
                    \(communicator.worldSize) ranks are no power of two: sums agree with other world sizes to rounding, \
                    not to the bit
                    """))
        }
        let lanes = configuration.training.batch / configuration.training.lane
        if lanes < communicator.worldSize {
            observer(
                .notice(
                    """
                    a batch has \(lanes) lanes for \(communicator.worldSize) ranks: some have nothing to do; lower \
                    training.lane (which changes the mathematics) or use fewer ranks
                    """))
        }
        observer(.started(session.plan(setup, communicator, directory: directory.path)))
    }

    /// Tells the observer and the log. Only rank 0 has a log, so its failure waits for where all ranks hear of it.
    private func emit(_ event: TrainingEvent) {
        observer(event)
        do {
            try log?.record(event)
        } catch {
            logFailure = logFailure ?? error
        }
    }

    /// Runs `body` on all ranks; a failure on any becomes the same one on all.
    private func together<Result>(_ body: () throws -> Result) throws -> Result {
        try communicator.together(describe: failureReport, body)
    }

    /// The failure that all ranks have come to, as each of them throws it.
    private func agreed(_ error: TrainingError) throws -> any Error {
        let own = failureReport(of: error)
        return try communicator.firstFailure(of: own)
            ?? JobFailure(
                rank: 0, exitCode: own.exitCode, message: own.message)
    }
}
