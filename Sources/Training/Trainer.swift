internal import Checkpoints
package import Cluster
package import Datasets
internal import Detection
internal import Failures
internal import Files
package import Kernels
internal import Networks
package import RunConfiguration
internal import Software
internal import Workers

/// One run from its start, or from where it stopped, to its end; on every rank of a job.
///
/// Rank 0 writes the configuration, the log and, on a thread of their own, the checkpoints. A
/// failure on any rank ends `run` on all of them with the same `JobFailure`.
package final class Trainer {
    private let configuration: RunConfiguration
    private let communicator: any Communicator
    private let observer: (TrainingEvent) -> Void
    private let measure: ([ConvolutionShape]) -> [ConvolutionMeasurement]
    private let datasetFolders: [String: String]
    private let reading: (PackedDataset) -> any ImageSource
    private let stopRequest: () -> String?
    private let directory: RunDirectory
    private let timelinePath: String?
    private let phases: StepProfiler
    /// On rank 0, if there are steps left to train.
    private var checkpoints: BackgroundCheckpoints?
    /// The step of the newest checkpoint since this start.
    private var savedStep: Int?
    /// When the newest checkpoint was taken, or the run began.
    private var savedTime = ContinuousClock.now
    private let now: () -> ContinuousClock.Instant
    /// On rank 0 while the job runs.
    private var lock: RunLock?
    /// The job to record in the run directory once this start has written a checkpoint.
    private var untoldJob: String?
    private var log: EventLog?
    private var logFailure: FileError?

    /// - Parameters:
    ///   - datasetFolders: Folders of dataset copies to read instead, by the paths in the
    ///     configuration.
    ///   - observer: Called on every rank with each event, in order.
    ///   - measure: Measures the algorithms of a network's convolutions; called on rank 0 if the
    ///     configuration requires it.
    ///   - reading: The source of the training set's records; the set itself by default.
    ///   - timeline: The file for a Chrome trace of all ranks' phases.
    ///   - stopRequest: The reason for which this rank is asked to stop, if it is; called at the
    ///     end of each step's work.
    ///   - now: The clock of `training.checkpointMinutes`.
    package init(
        _ configuration: RunConfiguration, communicator: any Communicator,
        datasetFolders: [String: String] = [:],
        observer: @escaping (TrainingEvent) -> Void = { _ in },
        measure: @escaping ([ConvolutionShape]) -> [ConvolutionMeasurement] = { measureConvolutions($0) },
        reading: @escaping (PackedDataset) -> any ImageSource = { $0 },
        timeline: String? = nil, stopRequest: @escaping () -> String? = { nil },
        now: @escaping () -> ContinuousClock.Instant = { .now }
    ) {
        phases = StepProfiler(board: communicator.board, keepsSpans: timeline != nil)
        self.configuration = configuration
        self.communicator = communicator
        self.measure = measure
        self.reading = reading
        self.stopRequest = stopRequest
        self.now = now
        timelinePath = timeline
        self.observer = observer
        self.datasetFolders = datasetFolders
        directory = RunDirectory(configuration)
    }

    /// How a run ended without a failure.
    package enum Outcome: Sendable {
        /// After the last epoch.
        case done
        /// With a checkpoint to resume from, because a rank was asked to stop or after
        /// `training.stopAfterSteps`.
        case stopped
    }

    /// Trains to the end of the last epoch, to `training.stopAfterSteps`, or to the end of the step
    /// in which a rank is asked to stop.
    ///
    /// - Parameters:
    ///   - allowedChanges: Keys of the configuration, or groups of them, that may differ from the
    ///     checkpoint's although they define the mathematics.
    ///   - job: The job that this start belongs to, if it may be started again.
    ///   - takesOver: Whether to end another job that writes to the run directory.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    @discardableResult
    package func run(
        resume: ResumeMode = .automatic, allowedChanges: Set<String> = [], job: RestartedJob? = nil,
        takesOver: Bool = false
    ) throws -> Outcome {
        let threads = try ThreadChoice(communicator)
        lock = try together { try self.takeLock(takesOver: takesOver) }
        defer { lock?.release() }
        let resume = try resumeMode(resume, job)
        let agreement = try ResumeAgreement(resume, in: store(), communicator)
        let setup = try together {
            try TrainingSetup(
                self.configuration, agreement, allowedChanges: allowedChanges,
                datasetFolders: self.datasetFolders, threads: threads, self.communicator)
        }
        let identity = try together {
            try RankIdentity(
                self.configuration, data: [setup.training, setup.validation].compactMap { $0?.fingerprint },
                threads: setup.pool.threads, communicator: self.communicator)
        }
        let ranks = try identity.gather(communicator)
        var notices = try RankIdentity.compare(ranks, on: communicator)
        let decision = try decideConvolutions(setup)
        if let remark = decision.selection.libraryRemark(for: setup.network.convolutionShapes) {
            try RankIdentity.compareLibraries(ranks)
            notices.append(remark)
        }
        let sums = communicator.worldSize > 1 ? try communicator.duplicate() : nil
        let session = try together {
            try TrainingSession(
                self.configuration, setup, convolutions: decision.selection, reading: self.reading,
                phases: self.phases, self.communicator, sums: sums)
        }
        try session.agreeOnAccumulation(communicator)
        let kept = try together { try self.openDirectory(setup, session, resume) }
        if try communicator.anyRank(!kept.isBestKnown) { session.forgetBest() }
        notices += kept.notices
        if let remark = try SharedFolder(directory.path).remark(communicator) { notices.append(remark) }
        announce(setup, session, notices)
        if let report = decision.report { emit(.convolutions(report)) }
        if let outcome = outcomeBeforeStart(session) { return outcome }
        defer { leaveCheckpoints() }
        try together { try session.start() }
        let timeline = try timelinePath.map { (path: $0, try Timeline(phases, communicator)) }
        savedTime = now()
        let outcome = try train(session)
        if let (path, timeline) = timeline { try write(timeline, to: path) }
        return outcome
    }

    /// Runs steps until the run is done or stopped.
    private func train(_ session: TrainingSession) throws -> Outcome {
        if try stopIfAsked(session) { return .stopped }
        while !session.isDone {
            if isAtStop(session) {
                if savedStep != session.position.step { try save(session) }
                try finishCheckpoints()
                emit(.reachedStop(step: session.position.step))
                return .stopped
            }
            if try advance(session) { return .stopped }
        }
        try finishCheckpoints()
        return .done
    }

    /// Whether the run is at `training.stopAfterSteps`.
    private func isAtStop(_ session: TrainingSession) -> Bool {
        let stop = configuration.training.stopAfterSteps
        return stop > 0 && session.position.step >= stop
    }

    /// The outcome of a run that has nothing left to do; `nil` for any other run.
    private func outcomeBeforeStart(_ session: TrainingSession) -> Outcome? {
        if session.isDone {
            emit(.alreadyFinished(step: session.position.step, epochs: configuration.training.epochs))
            return .done
        }
        guard isAtStop(session) else { return nil }
        emit(.reachedStop(step: session.position.step))
        return .stopped
    }

    /// Takes the lock of the run directory, on rank 0.
    private func takeLock(takesOver: Bool) throws -> RunLock? {
        guard communicator.rank == 0 else { return nil }
        return try RunLock(of: directory, takesOver: takesOver) { observer(.notice($0)) }
    }

    /// What this start resumes from. A later start of a job repeats the first start's mode only if
    /// the job has no checkpoint yet.
    private func resumeMode(_ resume: ResumeMode, _ job: RestartedJob?) throws -> ResumeMode {
        guard let job else { return resume }
        let known = communicator.rank == 0 ? directory.job : nil
        if communicator.rank == 0 && known != job.identifier { untoldJob = job.identifier }
        let hasBegun = try communicator.anyRank(known == job.identifier)
        return hasBegun ? resume : job.firstResume ?? resume
    }

    private func store(milestone: Int = 0) -> CheckpointStore {
        CheckpointStore(
            folder: directory.checkpointsPath, keep: configuration.training.keep, milestone: milestone)
    }

    /// Creates everything that rank 0 writes to; renames damaged checkpoints and the files of
    /// abandoned steps.
    private func openDirectory(
        _ setup: TrainingSetup, _ session: TrainingSession, _ resume: ResumeMode
    ) throws -> LeftPast {
        guard communicator.rank == 0 else {
            return LeftPast(notices: setup.damaged.map { "passed over: \($0)" })
        }
        try directory.create()
        try directory.write(configuration)
        let store = store(milestone: session.milestone)
        let damaged = setup.damaged.map { error in
            let aside = CheckpointStore.setAside(error.path, as: "damaged").map { "; kept as \($0)" }
            return "passed over: \(error)\(aside ?? "")"
        }
        var past = try LeftPast(setup, step: session.position.step, store, directory, resume)
        log = try EventLog(
            path: directory.metricsPath, afterStep: session.position.step, software: .current)
        if !session.isDone {
            checkpoints = try BackgroundCheckpoints(
                session.makeSnapshot(), to: store, after: directory.metricsPath,
                policy: configuration.training.onCheckpointFailure)
        }
        past.notices = damaged + past.notices
        return past
    }

    private func write(_ timeline: Timeline, to path: String) throws {
        let trace = try timeline.trace(communicator)
        try together {
            if let trace { try writeFile(trace, to: path) }
        }
    }

    /// Decides the convolution algorithms on rank 0 and broadcasts them.
    private func decideConvolutions(_ setup: TrainingSetup) throws -> ConvolutionDecision {
        let own = try together { () throws -> [UInt8] in
            guard self.communicator.rank == 0 else { return [] }
            return try ConvolutionDecision(self.configuration, setup, measure: self.measure).message()
        }
        return try ConvolutionDecision(message: try communicator.broadcast(own, from: 0))
    }

    /// Runs one step, and whatever is due after it.
    ///
    /// - Returns: Whether the run has stopped on request, with a checkpoint to resume from.
    private func advance(_ session: TrainingSession) throws -> Bool {
        announceCheckpoints()
        var request: String?
        let (report, message) = try session.step(communicator) {
            request = stopRequest()
            return StepMessage.Flags(
                hasFailed: ownFailure != nil, isAskedToStop: request != nil, isCheckpointDue: isCheckpointDue)
        }
        if message.hasFailure { throw try agreed(session.nextBatchFailure ?? ownFailure) }
        guard report.loss.isFinite else {
            throw try agreed(
                TrainingError.lossNotFinite(
                    loss: report.loss, epoch: report.epoch, step: report.stepInEpoch,
                    learningRate: report.learningRate))
        }
        emit(.step(report))
        let interval = configuration.cluster.sentinelEvery
        if interval > 0 && report.step.isMultiple(of: interval) {
            try session.compareReplicas(communicator)
        }
        if session.isAtEndOfEpoch {
            try endEpoch(session)
            // Validation may have taken long, so look for requests again.
            if !message.hasStopRequest { return try stopIfAsked(session) }
        } else if message.isCheckpointDue || isCheckpointDue(atStep: session.position.step) {
            try save(session)
        }
        guard message.hasStopRequest && !session.isDone else { return false }
        try stop(session, request)
        return true
    }

    /// Verifies the epoch's records, validates, and saves a checkpoint.
    private func endEpoch(_ session: TrainingSession) throws {
        try session.gatherRecords(communicator)
        try together { try session.proveEpoch() }
        let accuracy = try validate(session)
        // Without an accuracy, the latest epoch's model counts as the best.
        let isBest = accuracy.map { $0 >= session.position.bestAccuracy } ?? true
        emit(.epoch(session.endEpoch(validationAccuracy: accuracy)))
        try save(session, isBest: isBest)
    }

    /// Whether the configuration requires a checkpoint after update `step`.
    private func isCheckpointDue(atStep step: Int) -> Bool {
        let every = configuration.training.checkpointEvery
        return every > 0 && step.isMultiple(of: every)
    }

    /// Whether a checkpoint is due by rank 0's clock; `false` while one is being written.
    private var isCheckpointDue: Bool {
        let minutes = configuration.training.checkpointMinutes
        guard minutes > 0, let checkpoints, checkpoints.isIdle else { return false }
        return now() - savedTime >= .seconds(60 * minutes)
    }

    /// Stops between two steps if a rank is asked to; collective.
    private func stopIfAsked(_ session: TrainingSession) throws -> Bool {
        guard !session.isDone else { return false }
        let request = stopRequest()
        guard try communicator.anyRank(request != nil) else { return false }
        try stop(session, request)
        return true
    }

    /// Writes the checkpoint to resume from, and reports the reason for the stop; collective.
    private func stop(_ session: TrainingSession, _ request: String?) throws {
        if savedStep != session.position.step { try save(session) }
        try finishCheckpoints()
        let who = try communicator.broadcast(Array((request ?? "").utf8), from: lowestRank(request != nil))
        emit(.stopped(step: session.position.step, reason: String(decoding: who, as: UTF8.self)))
    }

    /// The lowest rank on which `holds` is true; the world size if there is none.
    private func lowestRank(_ holds: Bool) throws -> Int {
        try communicator.minimum(holds ? communicator.rank : communicator.worldSize)
    }

    /// The accuracy on the validation set; `nil` without a set, and without a classifier.
    /// Collective.
    private func validate(_ session: TrainingSession) throws -> Double? {
        guard session.classifier.headKind.isClassifier, let validation = session.validation else {
            return nil
        }
        let pass = ForwardPass(
            classifier: session.classifier, transform: configuration.evaluationTransform,
            microbatchSize: configuration.training.microbatch,
            batchSize: configuration.validationBatch(worldSize: communicator.worldSize),
            communicator: communicator, pool: session.pool)
        let correct = try phases.measure(.validation) {
            try together {
                var correct = 0
                try pass.forEachBatch(of: validation) {
                    correct += $0.correctCount
                    phases.tick()
                }
                return correct
            }
        }
        var counts = [Int64(correct)]
        var span = counts.mutableSpan
        try communicator.treeSum(&span)
        return Double(counts[0]) / Double(max(validation.count, 1))
    }

    private func save(_ session: TrainingSession, isBest: Bool = false) throws {
        let start = ContinuousClock.now
        try session.compareReplicas(communicator)
        try session.gatherRecords(communicator)
        try phases.measure(.checkpoint) {
            try together {
                if let failure = self.logFailure { throw failure }
                try self.lock?.check()
                try self.checkpoints?.save(session, isBest: isBest, since: start)
            }
        }
        savedStep = session.position.step
        savedTime = now()
        announceCheckpoints()
    }

    /// Waits for the checkpoint that is being written; collective.
    ///
    /// - Throws: `JobFailure` if the newest one is not on the disk.
    private func finishCheckpoints() throws {
        try phases.measure(.checkpoint) { try together { try self.checkpoints?.finish() } }
        announceCheckpoints()
    }

    /// Waits for the checkpoint that is being written, when the run ends for another reason.
    private func leaveCheckpoints() {
        phases.measure(.checkpoint) { try? checkpoints?.finish() }
        announceCheckpoints()
    }

    private func announceCheckpoints() {
        for event in checkpoints?.takeEvents() ?? [] {
            emit(event)
            if case .checkpoint = event { noteJob() }
        }
    }

    /// Records that this job has a checkpoint of its own, so that its next start resumes from it.
    private func noteJob() {
        guard let job = untoldJob else { return }
        untoldJob = nil
        do {
            try directory.write(job: job)
        } catch {
            logFailure = logFailure ?? error
        }
    }

    /// Why this rank has failed, apart from its next batch.
    private var ownFailure: (any Error)? { logFailure ?? checkpoints?.failure ?? lock?.failure }

    private func announce(_ setup: TrainingSetup, _ session: TrainingSession, _ notices: [String]) {
        for notice in setup.notices + notices { observer(.notice(notice)) }
        if session.position.epochRecords == nil {
            observer(
                .notice(
                    """
                    an earlier version began epoch \(session.position.epoch + 1) without counting records: whether each one \
                    is used once is verified from the next epoch on
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
        let microbatches = configuration.training.batch / configuration.training.microbatch
        if microbatches < communicator.worldSize {
            observer(
                .notice(
                    """
                    a batch has \(microbatches) microbatches for \(communicator.worldSize) ranks: some ranks are idle; lower \
                    training.microbatch (which changes the mathematics) or use fewer ranks
                    """))
        }
        observer(.started(session.plan(setup, communicator, directory: directory.path)))
    }

    /// Passes an event to the observer and the log. Only rank 0 has a log, so its failure is kept
    /// until all ranks receive it.
    private func emit(_ event: TrainingEvent) {
        observer(event)
        do {
            if let log { try phases.measure(.log) { () throws(FileError) in try log.record(event) } }
        } catch {
            logFailure = logFailure ?? error
        }
    }

    /// Runs `body` on all ranks; a failure on any rank is thrown on all.
    private func together<Result>(_ body: () throws -> Result) throws -> Result {
        try communicator.together(body)
    }

    /// The failure of the ranks, which each of them throws.
    ///
    /// - Parameter error: This rank's error, if it has one; at least one rank has.
    private func agreed(_ error: (any Error)?) throws -> any Error {
        let own = error.map(failureReport)
        guard let failure = try communicator.firstFailure(of: own) else {
            preconditionFailure("no rank has the failure that one has reported")
        }
        return failure
    }
}
