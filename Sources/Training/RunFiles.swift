internal import Checkpoints
internal import Files

/// The files of a run that rank 0 writes: the lock, the log, the checkpoints. Other ranks have an
/// instance that does nothing.
///
/// An error of the log is kept until all ranks learn of it (`failure`).
final class RunFiles {
    let directory: RunDirectory
    private let phases: StepProfiler
    private let now: () -> ContinuousClock.Instant
    private var lock: RunLock?
    private var log: EventLog?
    private var logFailure: FileError?
    /// `nil` if no steps are left to train.
    private var checkpoints: BackgroundCheckpoints?
    /// The job to record in the run directory once this start has written a checkpoint.
    private var unrecordedJob: String?
    /// When the newest checkpoint was taken, or the run began.
    private var savedTime = ContinuousClock.now

    /// - Parameter now: The clock of `training.checkpointMinutes`.
    init(
        _ directory: RunDirectory, _ phases: StepProfiler, now: @escaping () -> ContinuousClock.Instant
    ) {
        self.directory = directory
        self.phases = phases
        self.now = now
    }

    /// Takes the lock of the run directory; on rank 0.
    ///
    /// - Parameter notice: Receives lines for the user.
    func takeLock(takesOver: Bool, notice: (String) -> Void) throws {
        lock = try RunLock(of: directory, takesOver: takesOver, isWaiting: notice)
    }

    func releaseLock() { lock?.release() }

    /// Begins to record that the checkpoints are those of job `identifier`; on rank 0.
    ///
    /// - Returns: Whether an earlier start of this job has written one.
    func begin(job identifier: String) -> Bool {
        let isKnown = directory.job == identifier
        if !isKnown { unrecordedJob = identifier }
        return isKnown
    }

    /// Opens the log to continue after update `step`; on rank 0.
    ///
    /// - Parameter isDone: Whether the run has nothing left to do.
    func openLog(afterStep step: Int, isDone: Bool) throws(FileError) {
        log = try EventLog(
            path: directory.metricsPath, afterStep: step, software: isDone ? nil : .current)
    }

    /// Begins to write checkpoints to `store`; on rank 0.
    ///
    /// - Parameter snapshot: The memory that checkpoints are written from.
    func writeCheckpoints(
        from snapshot: Snapshot, to store: CheckpointStore, _ policy: BackgroundCheckpoints.Policy
    ) throws {
        checkpoints = try BackgroundCheckpoints(
            snapshot, to: store, after: directory.metricsPath, policy: policy)
    }

    /// Restarts the clock of checkpoints: the run begins, or one has been taken.
    func startClock() { savedTime = now() }

    /// Adds an event to the log.
    func record(_ event: TrainingEvent) {
        guard let log else { return }
        do {
            try phases.measure(.log) { () throws(FileError) in try log.record(event) }
        } catch {
            logFailure = logFailure ?? error
        }
    }

    /// Takes a checkpoint, which is written during the next steps.
    ///
    /// - Parameters:
    ///   - start: When the checkpoint began to block training.
    ///   - take: Overwrites the snapshot with the current state.
    func save(
        isBest: Bool, since start: ContinuousClock.Instant, _ take: (Snapshot) throws -> Void
    ) throws {
        if let logFailure { throw logFailure }
        try lock?.check()
        try checkpoints?.save(isBest: isBest, since: start, take)
    }

    /// Whether `minutes` have passed since the last checkpoint; `false` while one is being written,
    /// and on other ranks.
    func isCheckpointDue(everyMinutes minutes: Double) -> Bool {
        guard minutes > 0, let checkpoints, checkpoints.isIdle else { return false }
        return now() - savedTime >= .seconds(60 * minutes)
    }

    /// Waits for the checkpoint that is being written.
    ///
    /// - Throws: If the newest one is not on the disk.
    func finishCheckpoints() throws { try checkpoints?.finish() }

    /// The events of checkpoints since the last call.
    ///
    /// Once a checkpoint of this start is on the disk, the job is recorded, so that its next start
    /// resumes from it.
    func takeEvents() -> [TrainingEvent] {
        let events = checkpoints?.takeEvents() ?? []
        let hasCheckpoint = events.contains { if case .checkpoint = $0 { true } else { false } }
        if hasCheckpoint, let job = unrecordedJob {
            unrecordedJob = nil
            do {
                try directory.write(job: job)
            } catch {
                logFailure = logFailure ?? error
            }
        }
        return events
    }

    /// Why the job must end.
    var failure: (any Error)? { logFailure ?? checkpoints?.failure ?? lock?.failure }
}
