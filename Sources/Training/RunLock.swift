internal import Files
internal import Foundation
internal import Workers

/// The exclusive right of one job to write to a run directory; rank 0 holds it while the job runs.
///
/// The lock is free when its process has ended. If the process is on another host, this cannot be
/// observed: then the lock is free after a minute without a heartbeat. Hosts' clocks are not
/// compared; a lock that changes while it is watched is in use.
package final class RunLock: Sendable {
    /// Intervals and timeouts of heartbeats.
    package struct Timing: Sendable {
        /// Interval between two heartbeats.
        package var heartbeat = Duration.seconds(5)
        /// Time without a heartbeat after which a host counts as lost.
        package var lost = Duration.seconds(60)
        /// Minimum time for which a lock is watched before its host counts as lost, however old its
        /// last heartbeat is.
        package var watch = Duration.seconds(15)
        /// Interval between two reads of another job's lock.
        package var poll = Duration.milliseconds(500)

        package init() {}
    }

    /// Folders that were created for the lock, innermost first.
    private let newFolders: [String]
    private let keeper: LockKeeper

    /// Takes the lock; waits if only a timeout can tell whether its holder is lost.
    ///
    /// - Parameters:
    ///   - takesOver: Whether to take it from a job that holds it.
    ///   - isWaiting: Called with a line for the user before a wait.
    /// - Throws: `RunLockError` if another job holds it, `FileError`.
    package init(
        of directory: RunDirectory, takesOver: Bool = false, timing: Timing = Timing(),
        isWaiting: (String) -> Void = { _ in }
    ) throws {
        let holder = RunLockHolder.current
        let file = LockFile(path: directory.lockPath, name: "\(holder.process.process)-\(holder.token)")
        newFolders = missingFolders(directory.path)
        keeper = LockKeeper(file, text: try holder.text(), directory: directory.path, every: timing.heartbeat)
        do {
            // Declared as a wait for a file, so that other ranks do not take the wait for a lost
            // job for a hang of this rank.
            try FileWait.during(directory.lockPath) {
                try RunLockSearch(file, directory, holder, takesOver: takesOver, timing).take(isWaiting)
            }
        } catch {
            for folder in newFolders { removeEmptyFolder(folder) }
            throw error
        }
        do {
            try keeper.start()
        } catch {
            release()
            throw error
        }
    }

    /// Why this job may no longer write, if another job has taken the lock over.
    package var failure: RunLockError? { keeper.failure }

    /// Checks the lock before a write that only its holder may make.
    ///
    /// - Throws: If another job has taken the lock over.
    package func check() throws(RunLockError) {
        keeper.beat()
        if let failure { throw failure }
    }

    /// Releases the lock; deletes the directory if it was created for the lock and is empty.
    package func release() {
        keeper.stop()
        for folder in newFolders { removeEmptyFolder(folder) }
    }
}

/// Acquires a lock that another job may hold.
private struct RunLockSearch {
    let file: LockFile
    let directory: RunDirectory
    let holder: RunLockHolder
    let takesOver: Bool
    let timing: RunLock.Timing

    init(
        _ file: LockFile, _ directory: RunDirectory, _ holder: RunLockHolder, takesOver: Bool,
        _ timing: RunLock.Timing
    ) {
        self.file = file
        self.directory = directory
        self.holder = holder
        self.takesOver = takesOver
        self.timing = timing
    }

    func take(_ isWaiting: (String) -> Void) throws {
        let clock = ContinuousClock()
        let text = try holder.text()
        var first: (contents: LockFile.Contents, time: ContinuousClock.Instant)?
        var hasTold = false
        while true {
            try directory.create()
            if try file.create(text) { return }
            guard let seen = try file.read() else {
                Thread.sleep(forTimeInterval: timing.poll.seconds)
                continue
            }
            if first?.contents.text != seen.text { first = (seen, clock.now) }
            let watched = first.map { clock.now - $0.time } ?? .zero
            let other = RunLockHolder(text: seen.text)
            let life = other?.process.life ?? .unknown
            guard takesOver || (life != .running && first?.contents == seen) else {
                throw RunLockError.inUse(directory: directory.path, by: other)
            }
            if try takesOver || life == .ended || isLost(seen, watchedFor: watched) {
                if try replace(seen, by: text) { return }
            } else if !hasTold {
                hasTold = true
                isWaiting(RunLockError.waitingLine(directory: directory.path, for: other, timing.lost))
            }
            Thread.sleep(forTimeInterval: timing.poll.seconds)
        }
    }

    private func isLost(_ seen: LockFile.Contents, watchedFor watched: Duration) throws -> Bool {
        // The file server's clock gives the age of the last heartbeat; the short watch confirms
        // that no heartbeat arrives.
        try watched >= timing.lost || (watched >= timing.watch && file.age(of: seen) >= timing.lost)
    }

    /// Replaces the lock that was read; of several competing jobs, one succeeds.
    private func replace(_ seen: LockFile.Contents, by text: String) throws -> Bool {
        let turn = LockFile(path: "\(directory.lockPath).takeover", name: holder.token)
        guard try turn.create(text) else {
            // Left by a job that ended during a takeover.
            if let old = try turn.read(), try turn.age(of: old) >= timing.lost { turn.remove() }
            return false
        }
        defer { turn.remove() }
        guard let now = try file.read(), takesOver ? now.text == seen.text : now == seen else { return false }
        try file.replace(text)
        return try file.read()?.text == text
    }
}

/// Sends a lock's heartbeats, and checks that the lock is still this job's.
///
/// `@unchecked Sendable`: all state is read and written under `condition`.
private final class LockKeeper: @unchecked Sendable {
    private let file: LockFile
    private let text: String
    private let directory: String
    private let interval: Duration
    private let condition = NSCondition()
    private var isStopped = false
    private var lastFailure: RunLockError?

    init(_ file: LockFile, text: String, directory: String, every interval: Duration) {
        self.file = file
        self.text = text
        self.directory = directory
        self.interval = interval
    }

    var failure: RunLockError? { condition.withLock { lastFailure } }

    func start() throws(ThreadError) { try startThread(named: "run lock") { self.run() } }

    private func run() {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped && lastFailure == nil {
            if !condition.wait(until: Date(timeIntervalSinceNow: interval.seconds)) { look() }
        }
    }

    /// Sends a heartbeat now.
    func beat() { condition.withLock { look() } }

    /// Stops the heartbeats and deletes the lock, if it is still this job's.
    func stop() {
        condition.withLock {
            guard !isStopped else { return }
            look()
            isStopped = true
            if lastFailure == nil { file.remove() }
            condition.broadcast()
        }
    }

    /// A read error may be temporary: only another job's lock is a failure.
    private func look() {
        guard !isStopped, lastFailure == nil, let state = try? file.refresh(text) else { return }
        switch state {
        case .held: return
        case .replaced(let text):
            lastFailure = .takenOver(directory: directory, by: RunLockHolder(text: text))
        case .missing:
            if (try? file.create(text)) == false, let other = try? file.read(), other.text != text {
                lastFailure = .takenOver(directory: directory, by: RunLockHolder(text: other.text))
            }
        }
    }
}
