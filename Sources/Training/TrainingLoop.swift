internal import Checkpoints
internal import Cluster
internal import Failures
internal import RunConfiguration

/// Runs steps, and whatever is due between them, until the run is done or stopped; on every rank.
final class TrainingLoop {
    /// What is due, and when; made once from the run's configuration.
    struct Options {
        let epochs: Int
        /// The update after which the run stops; 0 for none.
        let stopAfterSteps: Int
        /// Updates between two checkpoints; 0 for none but those of epochs and of the clock.
        let checkpointEvery: Int
        /// Minutes between two checkpoints; 0 for none by the clock.
        let checkpointMinutes: Double
        /// Updates between two comparisons of replicas; 0 for none but those of checkpoints.
        let sentinelEvery: Int
        /// Epochs between two validations.
        let validationEvery: Int

        init(_ configuration: RunConfiguration) {
            epochs = configuration.training.epochs
            stopAfterSteps = configuration.training.stopAfterSteps
            checkpointEvery = configuration.training.checkpointEvery
            checkpointMinutes = configuration.training.checkpointMinutes
            sentinelEvery = configuration.cluster.sentinelEvery
            validationEvery = configuration.evaluation.every
        }
    }

    private let options: Options
    private let engine: StepEngine
    private var state: RunState
    private let files: RunFiles
    private let validation: ValidationPass?
    private let phases: StepProfiler
    private let job: TrainingJob
    /// The step of the newest checkpoint since this start.
    private var savedStep: Int?

    init(
        _ options: Options, _ engine: StepEngine, _ state: RunState, _ files: RunFiles,
        _ validation: ValidationPass?, _ job: TrainingJob
    ) {
        self.options = options
        self.engine = engine
        self.state = state
        self.files = files
        self.validation = validation
        self.job = job
        phases = job.phases
    }

    private var communicator: any Communicator { job.communicator }

    /// The outcome of a run that has nothing left to do; `nil` for any other run.
    func outcomeBeforeStart() -> Trainer.Outcome? {
        if state.isDone {
            emit(.alreadyFinished(step: state.position.step, epochs: options.epochs))
            return .done
        }
        guard isAtStop else { return nil }
        emit(.reachedStop(step: state.position.step))
        return .stopped
    }

    /// Runs steps until the run is done or stopped.
    func run() throws -> Trainer.Outcome {
        try together { try self.engine.start(atStep: self.state.position.step) }
        files.startClock()
        if try stopIfAsked() { return .stopped }
        while !state.isDone {
            if isAtStop {
                if savedStep != state.position.step { try save() }
                try finishCheckpoints()
                emit(.reachedStop(step: state.position.step))
                return .stopped
            }
            if try advance() { return .stopped }
        }
        try finishCheckpoints()
        return .done
    }

    /// Whether the run is at `training.stopAfterSteps`.
    private var isAtStop: Bool {
        options.stopAfterSteps > 0 && state.position.step >= options.stopAfterSteps
    }

    /// Runs one step, and whatever is due after it.
    ///
    /// - Returns: Whether the run has stopped on request, with a checkpoint to resume from.
    private func advance() throws -> Bool {
        announceCheckpoints()
        var request: String?
        let step = try engine.run(step: state.position.step, communicator) {
            request = job.stopRequest()
            return StepMessage.Flags(
                hasFailed: files.failure != nil, isAskedToStop: request != nil,
                isCheckpointDue: files.isCheckpointDue(everyMinutes: options.checkpointMinutes))
        }
        let report = state.add(step)
        let message = step.message
        if message.hasFailure { throw try agreed(engine.nextBatchFailure ?? files.failure) }
        guard report.loss.isFinite else {
            throw try agreed(
                TrainingError.lossNotFinite(
                    loss: report.loss, epoch: report.epoch, step: report.stepInEpoch,
                    learningRate: report.learningRate))
        }
        if let gradient = step.nonFinite {
            throw try agreed(
                TrainingError.gradientNotFinite(
                    name: gradient.name, count: gradient.count, of: gradient.elements, epoch: report.epoch,
                    step: report.stepInEpoch, learningRate: report.learningRate))
        }
        emit(.step(report))
        if options.sentinelEvery > 0 && report.step.isMultiple(of: options.sentinelEvery) {
            try engine.compareReplicas(step: report.step, communicator)
        }
        if state.isAtEndOfEpoch {
            try endEpoch()
            // Validation may have taken long, so look for requests again.
            if !message.hasStopRequest { return try stopIfAsked() }
        } else if message.isCheckpointDue || isCheckpointDue(atStep: state.position.step) {
            try save()
        }
        guard message.hasStopRequest && !state.isDone else { return false }
        try stop(request)
        return true
    }

    /// Verifies the epoch's records, validates, and saves a checkpoint.
    private func endEpoch() throws {
        try state.gatherRecords(communicator)
        try together { try self.state.checkRecords() }
        let epoch = state.position.epoch + 1
        let isValidated = epoch.isMultiple(of: options.validationEvery) || epoch == options.epochs
        let accuracy: Double? = try phases.measure(.validation) {
            guard isValidated else { return nil }
            return try engine.withAveragedWeights {
                try validation?.accuracy(communicator) { phases.tick() }
            }
        }
        // Without a validation set, the latest epoch's model counts as the best.
        let isBest = accuracy.map { $0 >= state.position.bestAccuracy } ?? (validation == nil)
        emit(.epoch(state.endEpoch(phases.takeTimes(), validationAccuracy: accuracy)))
        try save(isBest: isBest)
    }

    /// Whether the configuration requires a checkpoint after update `step`.
    private func isCheckpointDue(atStep step: Int) -> Bool {
        options.checkpointEvery > 0 && step.isMultiple(of: options.checkpointEvery)
    }

    /// Stops between two steps if a rank is asked to; collective.
    private func stopIfAsked() throws -> Bool {
        guard !state.isDone else { return false }
        let request = job.stopRequest()
        guard try communicator.anyRank(request != nil) else { return false }
        try stop(request)
        return true
    }

    /// Writes the checkpoint to resume from, and reports the reason for the stop; collective.
    private func stop(_ request: String?) throws {
        if savedStep != state.position.step { try save() }
        try finishCheckpoints()
        let who = try communicator.broadcast(Array((request ?? "").utf8), from: lowestRank(request != nil))
        emit(.stopped(step: state.position.step, reason: String(decoding: who, as: UTF8.self)))
    }

    /// The lowest rank on which `holds` is true; the world size if there is none.
    private func lowestRank(_ holds: Bool) throws -> Int {
        try communicator.minimum(holds ? communicator.rank : communicator.worldSize)
    }

    private func save(isBest: Bool = false) throws {
        let start = ContinuousClock.now
        try engine.compareReplicas(step: state.position.step, communicator)
        try state.gatherRecords(communicator)
        let position = state.position
        try phases.measure(.checkpoint) {
            try together {
                try self.files.save(isBest: isBest, since: start) { try self.engine.take($0, at: position) }
            }
        }
        savedStep = position.step
        files.startClock()
        announceCheckpoints()
    }

    /// Waits for the checkpoint that is being written; collective.
    ///
    /// - Throws: `JobFailure` if the newest one is not on the disk.
    private func finishCheckpoints() throws {
        try phases.measure(.checkpoint) { try together { try self.files.finishCheckpoints() } }
        announceCheckpoints()
    }

    /// Waits for the checkpoint that is being written, when the run ends for another reason.
    func leaveCheckpoints() {
        phases.measure(.checkpoint) { try? files.finishCheckpoints() }
        announceCheckpoints()
    }

    private func announceCheckpoints() {
        for event in files.takeEvents() { emit(event) }
    }

    /// Passes an event to the observer and the log.
    func emit(_ event: TrainingEvent) {
        job.observer(event)
        files.record(event)
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
