internal import Checkpoints
internal import Foundation
internal import RunConfiguration
internal import Workers

/// Rank 0's checkpoints: taken between two steps, written while the next ones are made.
final class BackgroundCheckpoints {
    private let writer: CheckpointWriter
    private let bestPath: String
    private let policy: TrainingConfiguration.CheckpointFailure
    private let clock = ContinuousClock()
    /// How long each snapshot whose writing has not been told of yet held the steps.
    private var stalls: [Duration] = []
    private var untold: [TrainingEvent] = []
    /// The newest file, if it is not there as it should be.
    private var lastFailure: CheckpointError?
    /// Why the job cannot go on.
    private(set) var failure: CheckpointError?

    /// - Parameter log: The run's, synced with each checkpoint.
    init(
        _ snapshot: Snapshot, to store: CheckpointStore, after log: String,
        policy: TrainingConfiguration.CheckpointFailure
    ) throws(ThreadError) {
        writer = try CheckpointWriter(snapshot, to: store, after: [log])
        bestPath = store.bestPath
        self.policy = policy
    }

    /// Takes a snapshot of `session`, once the one before is written, and begins to write it.
    ///
    /// - Parameter start: When the steps were held up for it.
    /// - Throws: If a number is none, or if the one before could not be written and that is to end the job.
    func save(_ session: TrainingSession, isBest: Bool, since start: ContinuousClock.Instant) throws {
        try writer.write(isBest: isBest) { snapshot in
            gatherOutcomes()
            if let failure { throw failure }
            try session.take(snapshot)
        }
        stalls.append(clock.now - start)
    }

    /// Whether nothing is being written.
    var isIdle: Bool { writer.isIdle }

    /// What has come of checkpoints since the last call.
    func takeEvents() -> [TrainingEvent] {
        gatherOutcomes()
        defer { untold = [] }
        return untold
    }

    /// Waits until nothing is being written.
    ///
    /// - Throws: If the newest snapshot is not on the disk, whatever the policy: the run could not go on from where it ends.
    func finish() throws(CheckpointError) {
        writer.wait()
        gatherOutcomes()
        if let error = failure ?? lastFailure { throw error }
    }

    private func gatherOutcomes() {
        for outcome in writer.takeOutcomes() {
            let stall = stalls.removeFirst()
            switch outcome.result {
            case .success(let file):
                lastFailure = nil
                untold.append(
                    .checkpoint(
                        CheckpointReport(
                            path: outcome.path, step: outcome.step, isBest: outcome.isBest,
                            byteCount: file.byteCount, stallSeconds: stall.seconds,
                            writeSeconds: outcome.time.seconds)))
            case .failure(let error):
                lastFailure = error
                switch policy {
                case .stop: failure = failure ?? error
                case .continue: untold.append(.notice(notice(of: error)))
                }
            }
        }
    }

    private func notice(of error: CheckpointError) -> String {
        let text = "\(error); going on, the last good one is kept (training.onCheckpointFailure)"
        guard error.path == bestPath else { return text }
        return
            "\(text). The best model so far is lost: until there is a better one, the file is an earlier one's"
    }
}
