internal import Numerics
internal import Synchronization

/// The record of a rank's current activity, which the watchdog reads.
///
/// Any thread may use it.
package final class ActivityBoard: Sendable {
    /// A phase of a rank's work.
    package struct Phase: Equatable, Sendable {
        /// One word or a few.
        package var name: String
        /// How long the rank may go without progress in this phase.
        package var patience: Activity.Patience
        /// Whether the rank may have to wait for the file system in this phase.
        package var usesFiles: Bool
        /// Whether the rank spends this phase waiting for other ranks.
        package var isWaiting: Bool
        /// Whether the rank computes in this phase.
        package var isComputing: Bool

        package init(
            _ name: String, patience: Activity.Patience = .work, usesFiles: Bool = true,
            isWaiting: Bool = false, isComputing: Bool = false
        ) {
            self.name = name
            self.patience = patience
            self.usesFiles = usesFiles
            self.isWaiting = isWaiting
            self.isComputing = isComputing
        }
    }

    /// A file-system call in progress.
    package typealias FileCall = (path: String, start: ContinuousClock.Instant)

    private struct State {
        var phase = Phase("set-up")
        var waitingSince: ContinuousClock.Instant?
        var progress = 0
        /// The thread that waits or waited last.
        var waitingThread: ThreadIdentity?
        /// The number of collective functions that the rank has begun.
        var collectives = 0
        /// The number of the run's current update, and the number of updates in this process.
        var step = 0
        var steps = 0
        /// Totals since the board was created.
        var dataTime = Duration.zero
        var computeTime = Duration.zero
        /// The process's CPU seconds when they last counted as progress.
        var processorTime = 0.0
        var isWatched = true
    }

    /// Shorter file-system calls are not reported separately.
    private static let shortestFileWait = Duration.seconds(1)
    /// CPU seconds that count as progress if nothing else shows it.
    private static let leastWork = 0.1

    private let state = Mutex(State())
    private let fileCall: @Sendable () -> FileCall?

    /// - Parameter fileCall: Returns the file-system call in which this process has waited longest;
    ///   `nil` if it is in none.
    package init(fileCall: @escaping @Sendable () -> FileCall? = { nil }) { self.fileCall = fileCall }

    /// The board of ranks without a watchdog.
    package static let unwatched = ActivityBoard()

    /// Records that the rank enters a phase.
    package func enter(_ phase: Phase) {
        state.withLock {
            $0.phase = phase
            $0.progress += 1
        }
    }

    /// Records that the phase is over; its name and patience stay in force until the next one
    /// begins.
    package func leave() {
        state.withLock {
            ($0.phase.isComputing, $0.phase.isWaiting) = (false, false)
            $0.progress += 1
        }
    }

    /// Records that the rank has made progress.
    package func tick() { state.withLock { $0.progress += 1 } }

    /// Records that update `step` of the run begins.
    package func begin(step: Int) {
        state.withLock {
            if step != $0.step { $0.steps += 1 }
            $0.step = step
            $0.progress += 1
        }
    }

    /// Records that the rank starts or stops waiting for other ranks in a collective function.
    package func setWaiting(_ isWaiting: Bool) {
        let now = ContinuousClock.now
        state.withLock {
            $0.progress += 1
            if isWaiting {
                $0.collectives += 1
                if $0.waitingThread?.isCurrent != true { $0.waitingThread = .current }
            }
            if let since = $0.waitingSince, $0.phase.isComputing { $0.computeTime -= now - since }
            $0.waitingSince = isWaiting ? now : nil
        }
    }

    /// Adds the time spent waiting for data and the time spent computing, which includes waiting
    /// for other ranks.
    package func add(dataTime: Duration = .zero, computeTime: Duration = .zero) {
        state.withLock {
            $0.dataTime += dataTime
            $0.computeTime += computeTime
            $0.progress += 1
        }
    }

    /// Ends the watching of this rank, as `cluster.watchdog: false` asks.
    package func stopWatching() { state.withLock { $0.isWatched = false } }

    var isWatched: Bool { state.withLock(\.isWatched) }

    /// The rank's current activity.
    ///
    /// - Parameters:
    ///   - exchanges: The number of pairwise exchanges that the rank has begun; 0 unless all ranks
    ///     count the same.
    ///   - processorTime: CPU seconds that the process has used so far.
    ///   - polling: Returns the system time of a thread so far, in milliseconds.
    /// - Returns: The activity, and the file-system call that blocks the rank, if there is one.
    package func look(
        exchanges: Int, processorTime: Double, polling: (ThreadIdentity) -> Int = { _ in 0 }
    ) -> (activity: Activity, fileCall: FileCall?) {
        let call = fileCall().flatMap { $0.start.duration(to: .now) >= Self.shortestFileWait ? $0 : nil }
        return state.withLock { state in
            let isWaiting = state.waitingSince != nil || state.phase.isWaiting
            // Work without steps takes an unknown time, but its CPU time shows that it makes
            // progress.
            if processorTime - state.processorTime >= Self.leastWork {
                state.processorTime = processorTime
                if state.phase.patience == .work && !isWaiting { state.progress += 1 }
            }
            let thread = state.waitingSince == nil ? nil : state.waitingThread
            var activity = Activity(
                phase: state.phase.name, patience: state.phase.patience, isWaiting: isWaiting,
                progress: state.progress, collectives: state.collectives, exchanges: exchanges,
                polling: thread.map(polling) ?? 0, steps: state.steps, step: state.step,
                dataTime: state.dataTime.nanoseconds,
                computeTime: state.computeTime.nanoseconds)
            guard let call, state.phase.usesFiles, !isWaiting else { return (activity, nil) }
            activity.phase = "\(state.phase.name), waiting for the file system"
            activity.patience = .files
            return (activity, call)
        }
    }
}
