internal import Checkpoints
package import Cluster
package import Datasets
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
public final class Trainer {
    private let configuration: RunConfiguration
    private let datasetFolders: [String: String]
    private let timelinePath: String?
    private let seams: Seams
    private let job: TrainingJob
    private let files: RunFiles

    /// Parts that tests replace.
    package struct Seams {
        /// Measures the algorithms of a network's convolutions; called on rank 0 if the
        /// configuration requires it.
        package var measure: ([ConvolutionShape]) -> [ConvolutionMeasurement] = { measureConvolutions($0) }
        /// The source of the training set's records.
        package var reading: (PackedDataset) -> any ImageSource = { $0 }
        /// The clock of `training.checkpointMinutes`.
        package var now: () -> ContinuousClock.Instant = { .now }

        package init() {}
    }

    /// - Parameters:
    ///   - datasetFolders: Folders of dataset copies to read instead, by the paths in the
    ///     configuration.
    ///   - timeline: The file for a Chrome trace of all ranks' phases.
    ///   - stopRequest: The reason for which this rank is asked to stop, if it is; called at the
    ///     end of each step's work.
    ///   - observer: Called on every rank with each event, in order.
    package init(
        _ configuration: RunConfiguration, communicator: any Communicator,
        datasetFolders: [String: String] = [:], timeline: String? = nil, seams: Seams = Seams(),
        stopRequest: @escaping () -> String? = { nil }, observer: @escaping (TrainingEvent) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.datasetFolders = datasetFolders
        self.seams = seams
        timelinePath = timeline
        let phases = StepProfiler(board: communicator.board, keepsSpans: timeline != nil)
        job = TrainingJob(
            communicator: communicator, observer: observer, stopRequest: stopRequest, phases: phases)
        files = RunFiles(RunDirectory(configuration), phases, now: seams.now)
    }

    /// How a run ended without a failure.
    public enum Outcome: Sendable {
        /// After the last epoch.
        case done
        /// With a checkpoint to resume from, because a rank was asked to stop or after
        /// `training.stopAfterSteps`.
        case stopped
    }

    private var communicator: any Communicator { job.communicator }

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
        try together {
            guard self.communicator.rank == 0 else { return }
            try self.files.takeLock(takesOver: takesOver) { self.job.observer(.notice($0)) }
        }
        defer { files.releaseLock() }
        let resume = try resumeMode(resume, job)
        let agreement = try ResumeAgreement(resume, in: store(), communicator)
        let setup = try together {
            try TrainingSetup(
                self.configuration, agreement, allowedChanges: allowedChanges,
                datasetFolders: self.datasetFolders, threads: threads, self.communicator)
        }
        var notices: [String] = []
        let decision = try compareRanks(setup, &notices)
        let (engine, plan) = try makeEngine(setup, decision.selection)
        var state = RunState(configuration, setup, engine.classifier)
        let abandoned = try together { try self.openDirectory(setup, engine, state, resume) }
        if try communicator.anyRank(!abandoned.isBestKnown) { state.forgetBest() }
        notices += abandoned.notices
        if let remark = try SharedFolder(files.directory.path).remark(communicator) { notices.append(remark) }
        announce(setup, state, notices, plan)
        let validation = ValidationPass(
            configuration, setup.validation, engine.classifier, pool: setup.pool, communicator)
        let loop = TrainingLoop(.init(configuration), engine, state, files, validation, self.job)
        if let report = decision.report { loop.emit(.convolutions(report)) }
        if let outcome = loop.outcomeBeforeStart() { return outcome }
        defer { loop.leaveCheckpoints() }
        return try withTimeline { try loop.run() }
    }

    /// What this start resumes from. A later start of a job repeats the first start's mode only if
    /// the job has no checkpoint yet.
    private func resumeMode(_ resume: ResumeMode, _ job: RestartedJob?) throws -> ResumeMode {
        guard let job else { return resume }
        let isKnown = communicator.rank == 0 && files.begin(job: job.identifier)
        let hasBegun = try communicator.anyRank(isKnown)
        return hasBegun ? resume : job.firstResume ?? resume
    }

    private func store(milestone: Int = 0) -> CheckpointStore {
        CheckpointStore(
            folder: files.directory.checkpointsPath, keep: configuration.training.keep, milestone: milestone)
    }

    /// Compares what must be equal on all ranks, and decides the convolution algorithms on rank 0;
    /// collective.
    private func compareRanks(
        _ setup: TrainingSetup, _ notices: inout [String]
    ) throws -> ConvolutionDecision {
        let identity = try together {
            try RankIdentity(
                self.configuration, data: [setup.training, setup.validation].compactMap { $0?.fingerprint },
                threads: setup.pool.threads, communicator: self.communicator)
        }
        let ranks = try communicator.gatherValues(identity)
        notices += try RankIdentity.compare(ranks, on: communicator)
        let decision = try communicator.valueOfRankZero {
            ConvolutionDecision(self.configuration, setup, measure: self.seams.measure)
        }
        if let remark = decision.selection.libraryRemark(
            for: setup.network.convolutionShapes(imageSize: configuration.data.transform.size))
        {
            try RankIdentity.compareLibraries(ranks)
            notices.append(remark)
        }
        return decision
    }

    /// Makes the step engine, with as many accumulation steps as the memory of any rank requires;
    /// collective.
    private func makeEngine(
        _ setup: TrainingSetup, _ convolutions: AlgorithmSelection
    ) throws -> (StepEngine, TrainingPlan) {
        let sums = communicator.worldSize > 1 ? try communicator.duplicate() : nil
        let model = try together {
            try setup.makeClassifier(self.configuration, convolutions: convolutions, self.communicator)
        }
        let accumulation = GradientAccumulation(
            limit: try communicator.maximum(model.accumulation.limit), configuration,
            worldSize: communicator.worldSize)
        let engine = try together {
            let engine = try StepEngine(
                model.classifier, try StepOptions(self.configuration, setup, accumulation),
                loader: try setup.makeLoader(self.configuration, self.communicator, self.seams.reading),
                pool: setup.pool, phases: self.job.phases, sums: sums)
            if let (checkpoint, path) = setup.resumed {
                try engine.restoreOptimizer(checkpoint, path: path)
            }
            return engine
        }
        let memory = setup.memory(
            model.classifier, accumulation, configuration, resident: model.resident, communicator)
        return (engine, TrainingPlan(configuration, setup, engine, accumulation, memory, communicator))
    }

    /// Creates everything that rank 0 writes to; renames damaged checkpoints and the files of
    /// abandoned steps.
    private func openDirectory(
        _ setup: TrainingSetup, _ engine: StepEngine, _ state: RunState, _ resume: ResumeMode
    ) throws -> AbandonedSteps {
        guard communicator.rank == 0 else {
            return AbandonedSteps(notices: setup.damaged.map { "passed over: \($0)" })
        }
        try files.directory.create()
        try files.directory.write(configuration)
        let store = store(milestone: configuration.training.milestone(stepsPerEpoch: setup.stepsPerEpoch))
        let damaged = setup.damaged.map { error in
            let aside = CheckpointStore.setAside(error.path, as: "damaged").map { "; kept as \($0)" }
            return "passed over: \(error)\(aside ?? "")"
        }
        let step = state.position.step
        var abandoned = try AbandonedSteps(setup, step: step, store, files.directory, resume)
        try files.openLog(afterStep: step, isDone: state.isDone)
        if !state.isDone {
            let snapshot = Snapshot(
                of: engine.classifier, slots: configuration.optimizer.slots,
                configuration: configuration.yaml,
                dataFingerprint: setup.training.fingerprint, software: .current)
            try files.writeCheckpoints(
                from: snapshot, to: store, configuration.training.onCheckpointFailure)
        }
        abandoned.notices = damaged + abandoned.notices
        return abandoned
    }

    /// Writes the timeline of `body`, if one is requested.
    private func withTimeline(_ body: () throws -> Outcome) throws -> Outcome {
        guard let timelinePath else { return try body() }
        let timeline = try Timeline(job.phases, communicator)
        let outcome = try body()
        let trace = try timeline.trace(communicator)
        try together {
            if let trace { try writeFile(trace, to: timelinePath) }
        }
        return outcome
    }

    private func announce(
        _ setup: TrainingSetup, _ state: RunState, _ notices: [String], _ plan: TrainingPlan
    ) {
        for notice in setup.notices + notices { job.observer(.notice(notice)) }
        if state.position.epochRecords == nil {
            job.observer(
                .notice(
                    """
                    an earlier version began epoch \(state.position.epoch + 1) without counting records: whether each one \
                    is used once is verified from the next epoch on
                    """))
        }
        if !communicator.isExact {
            job.observer(
                .notice(
                    """
                    \(communicator.worldSize) ranks are no power of two: sums agree with other world sizes to rounding, \
                    not to the bit
                    """))
        }
        let microbatches = configuration.training.batch / configuration.training.microbatch
        if microbatches < communicator.worldSize {
            job.observer(
                .notice(
                    """
                    a batch has \(microbatches) microbatches for \(communicator.worldSize) ranks: some ranks are idle; lower \
                    training.microbatch (which changes the mathematics) or use fewer ranks
                    """))
        }
        job.observer(.started(plan))
    }

    /// Runs `body` on all ranks; a failure on any rank is thrown on all.
    private func together<Result>(_ body: () throws -> Result) throws -> Result {
        try communicator.together(body)
    }
}
