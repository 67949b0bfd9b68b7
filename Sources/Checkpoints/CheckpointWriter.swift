internal import Files
internal import Foundation
package import Workers

/// Writes snapshots to a run's store on a thread of its own, one at a time, while training
/// continues.
///
/// Only one thread may call `write`, `takeOutcomes` and `wait`.
package final class CheckpointWriter: Sendable {
    /// A finished write.
    package struct Outcome: Sendable {
        /// Updates made before the snapshot.
        package var step: Int
        package var isBest: Bool
        /// The newest file.
        package var path: String
        /// Time from the snapshot to the end, including `latest` and the deletion of old files.
        package var time: Duration
        /// Size and times of the newest file, or why the run has no new checkpoint to resume from.
        package var result: Result<WrittenFile, CheckpointError>
    }

    private let work: WritingWork

    /// - Parameters:
    ///   - snapshot: The memory that snapshots are taken into.
    ///   - logs: Log files that a resumed run continues; they are synced before each checkpoint is
    ///     written.
    /// - Throws: If the system cannot create a thread.
    package init(
        _ snapshot: Snapshot, to store: CheckpointStore, after logs: [String] = []
    ) throws(ThreadError) {
        let work = WritingWork(snapshot, store, logs)
        self.work = work
        try startThread(named: "checkpoints") { work.run() }
    }

    deinit { work.stop() }

    /// Waits for the previous write to end, takes a snapshot and begins to write it.
    ///
    /// - Parameter take: Overwrites the snapshot.
    /// - Throws: What `take` throws; then nothing is written.
    package func write(isBest: Bool, _ take: (Snapshot) throws -> Void) rethrows {
        work.wait()
        try take(work.snapshot)
        work.begin(isBest: isBest)
    }

    /// Whether nothing is being written.
    package var isIdle: Bool { work.isIdle }

    /// Waits until nothing is being written.
    package func wait() { work.wait() }

    /// The outcomes of the writes that ended since the last call, in order.
    package func takeOutcomes() -> [Outcome] { work.takeOutcomes() }
}

/// The state shared by the thread and its user.
///
/// `@unchecked Sendable`: all state is read and written under `condition`. The thread owns the
/// snapshot from `begin` until the write ends; otherwise its user does.
private final class WritingWork: @unchecked Sendable {
    let snapshot: Snapshot
    private let store: CheckpointStore
    private let logs: [String]
    private let condition = NSCondition()
    /// Whether the snapshot to be written is the best model; `nil` if none is to be written.
    private var order: Bool?
    private var outcomes: [CheckpointWriter.Outcome] = []
    private var isStopped = false

    init(_ snapshot: Snapshot, _ store: CheckpointStore, _ logs: [String]) {
        self.snapshot = snapshot
        self.store = store
        self.logs = logs
    }

    func begin(isBest: Bool) {
        condition.withLock {
            precondition(order == nil, "a snapshot is handed over while another is written")
            order = isBest
            condition.broadcast()
        }
    }

    var isIdle: Bool { condition.withLock { order == nil } }

    func wait() {
        condition.withLock { while order != nil { condition.wait() } }
    }

    func takeOutcomes() -> [CheckpointWriter.Outcome] {
        condition.withLock {
            defer { outcomes = [] }
            return outcomes
        }
    }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }

    /// The thread's loop.
    func run() {
        store.removeLeftovers()
        while let isBest = next() {
            let outcome = write(isBest: isBest)
            condition.withLock {
                outcomes.append(outcome)
                order = nil
                condition.broadcast()
            }
        }
    }

    private func next() -> Bool? {
        condition.lock()
        defer { condition.unlock() }
        while order == nil && !isStopped { condition.wait() }
        return order
    }

    private func write(isBest: Bool) -> CheckpointWriter.Outcome {
        let start = ContinuousClock.now
        let step = snapshot.head.position.step
        let result = Result { () throws(CheckpointError) in
            try synchronizeLogs()
            return try store.save(snapshot, isBest: isBest)
        }
        return CheckpointWriter.Outcome(
            step: step, isBest: isBest, path: store.path(step: step), time: ContinuousClock.now - start,
            result: result)
    }

    private func synchronizeLogs() throws(CheckpointError) {
        for log in logs {
            do {
                try synchronize(log)
            } catch {
                throw CheckpointError(writing: log, error)
            }
        }
    }
}
