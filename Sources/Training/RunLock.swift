internal import Files
internal import Foundation
internal import Workers

/// The right of one job to write to a run directory; rank 0 has it while the job runs.
///
/// The lock is free again when its process has ended. Of a process on another host nobody can see that: there the lock is free after a
/// minute without a sign of life. Hosts' clocks are not compared; a lock that changes while it is watched is in use.
public final class RunLock: Sendable {
    /// How signs of life are given and judged.
    public struct Timing: Sendable {
        /// Between two signs of life.
        public var heartbeat = Duration.seconds(5)
        /// The silence after which a host is lost.
        public var lost = Duration.seconds(60)
        /// The time for which a lock is watched before its host is taken for lost, however long it has been silent.
        public var watch = Duration.seconds(15)
        /// Between two looks at another job's lock.
        public var poll = Duration.milliseconds(500)

        public init() {}
    }

    /// Folders that were made for the lock, innermost first.
    private let newFolders: [String]
    private let keeper: LockKeeper

    /// Takes the lock; waits where only time can tell whether its holder is lost.
    ///
    /// - Parameters:
    ///   - takesOver: Whether to take it from a job that has it.
    ///   - isWaiting: Called with a line for the user before a wait.
    /// - Throws: `RunLockError` if another job has it, `FileError`.
    public init(
        of directory: RunDirectory, takesOver: Bool = false, timing: Timing = Timing(),
        isWaiting: (String) -> Void = { _ in }
    ) throws {
        let holder = RunLockHolder.current
        let file = LockFile(path: directory.lockPath, name: "\(holder.process.process)-\(holder.token)")
        newFolders = missingFolders(directory.path)
        keeper = LockKeeper(file, text: try holder.text(), directory: directory.path, every: timing.heartbeat)
        do {
            // Other ranks are not to take the wait for a lost job for a rank that has stopped.
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

    /// Why this job may not write any more, if another has taken its place.
    public var failure: RunLockError? { keeper.failure }

    /// Looks at the lock before something is written that must be this job's.
    ///
    /// - Throws: If another job has taken its place.
    public func check() throws(RunLockError) {
        keeper.beat()
        if let failure { throw failure }
    }

    /// Frees the directory, which is deleted if it was made for the lock and nothing else is in it.
    public func release() {
        keeper.stop()
        for folder in newFolders { removeEmptyFolder(folder) }
    }
}

/// The way to a lock that another job may have.
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
        // A silence is told by the file server's clock, where it has one; a short watch sees whether that can be.
        try watched >= timing.lost || (watched >= timing.watch && file.age(of: seen) >= timing.lost)
    }

    /// Takes the place of the lock that was seen; of several jobs that want to, one does.
    private func replace(_ seen: LockFile.Contents, by text: String) throws -> Bool {
        let turn = LockFile(path: "\(directory.lockPath).takeover", name: holder.token)
        guard try turn.create(text) else {
            // Left by a job that ended in the middle of this.
            if let old = try turn.read(), try turn.age(of: old) >= timing.lost { turn.remove() }
            return false
        }
        defer { turn.remove() }
        guard let now = try file.read(), takesOver ? now.text == seen.text : now == seen else { return false }
        try file.replace(text)
        return try file.read()?.text == text
    }
}

/// Gives a lock's signs of life, and looks whether it is still this job's.
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

    /// Gives a sign of life now.
    func beat() { condition.withLock { look() } }

    /// Ends the signs of life and deletes the lock, if it is still this job's.
    func stop() {
        condition.withLock {
            guard !isStopped else { return }
            look()
            isStopped = true
            if lastFailure == nil { file.remove() }
            condition.broadcast()
        }
    }

    /// What cannot be read now may be read later: only another job's lock is a reason to end.
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
