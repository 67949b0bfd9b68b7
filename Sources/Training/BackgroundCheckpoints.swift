internal import Checkpoints
internal import Foundation
internal import RunConfiguration
internal import Workers

/// Rank 0's checkpoints: snapshots are taken between two steps and written during the next steps.
final class BackgroundCheckpoints {
    private let writer: CheckpointWriter
    private let bestPath: String
    private let policy: TrainingConfiguration.CheckpointFailure
    private let clock = ContinuousClock()
    /// For each snapshot whose outcome is not reported yet, how long it blocked training.
    private var stalls: [Duration] = []
    private var unreported: [TrainingEvent] = []
    /// The error of the newest checkpoint, if it could not be written.
    private var lastFailure: CheckpointError?
    /// Why the job must end.
    private(set) var failure: CheckpointError?

    /// - Parameter log: The run's log, synced with each checkpoint.
    init(
        _ snapshot: Snapshot, to store: CheckpointStore, after log: String,
        policy: TrainingConfiguration.CheckpointFailure
    ) throws(ThreadError) {
        writer = try CheckpointWriter(snapshot, to: store, after: [log])
        bestPath = store.bestPath
        self.policy = policy
    }

    /// Waits until the previous snapshot is written, takes a snapshot of `session`, and begins to
    /// write it.
    ///
    /// - Parameter start: When the snapshot began to block training.
    /// - Throws: If a value is NaN or infinite, or if the previous checkpoint could not be written
    ///   and the policy is to stop.
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

    /// The events of checkpoints since the last call.
    func takeEvents() -> [TrainingEvent] {
        gatherOutcomes()
        defer { unreported = [] }
        return unreported
    }

    /// Waits until nothing is being written.
    ///
    /// - Throws: If the newest snapshot is not on the disk, whatever the policy: the run could not
    ///   resume from its end.
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
                unreported.append(
                    .checkpoint(
                        CheckpointReport(
                            path: outcome.path, step: outcome.step, isBest: outcome.isBest,
                            byteCount: file.byteCount, stallSeconds: stall.seconds,
                            writeSeconds: outcome.time.seconds)))
            case .failure(let error):
                lastFailure = error
                switch policy {
                case .stop: failure = failure ?? error
                case .continue: unreported.append(.notice(notice(of: error)))
                }
            }
        }
    }

    private func notice(of error: CheckpointError) -> String {
        let text =
            "\(error); training continues, the last intact checkpoint is kept (training.onCheckpointFailure)"
        guard error.path == bestPath else { return text }
        return
            "\(text). The best model so far is lost: until there is a better one, best.h5 is an earlier model"
    }
}
