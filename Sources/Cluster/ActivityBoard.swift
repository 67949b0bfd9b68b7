internal import Synchronization

/// Where a rank notes what it does, for those who watch it.
///
/// Any thread may use it.
public final class ActivityBoard: Sendable {
    /// What a rank does at a time.
    public struct Phase: Equatable, Sendable {
        /// One word or a few.
        public var name: String
        /// How long the rank may stay at one place of it.
        public var patience: Activity.Patience
        /// Whether the rank may have to wait for the file system in it.
        public var usesFiles: Bool
        /// Whether it is spent on waiting for other ranks.
        public var isWaiting: Bool
        /// Whether the rank computes in it.
        public var isComputing: Bool

        public init(
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

    /// A call to the file system that is under way.
    public typealias FileCall = (path: String, start: ContinuousClock.Instant)

    private struct State {
        var phase = Phase("set-up")
        var waitingSince: ContinuousClock.Instant?
        var progress = 0
        /// The thread that waits, or has waited last.
        var waitingThread: ThreadIdentity?
        /// Collective functions that the rank has begun.
        var collectives = 0
        /// Updates of the run, and those of this process.
        var step = 0
        var steps = 0
        /// Since the board was made.
        var dataTime = Duration.zero
        var computeTime = Duration.zero
        /// Seconds of the processor that have been taken for progress.
        var processorTime = 0.0
        var isWatched = true
    }

    /// A shorter call to the file system is part of whatever it is for.
    private static let shortestFileWait = Duration.seconds(1)
    /// Seconds of the processor that count as progress, where nothing else shows it.
    private static let leastWork = 0.1

    private let state = Mutex(State())
    private let fileCall: @Sendable () -> FileCall?

    /// - Parameter fileCall: The call to the file system that this process has waited in longest, if it is in one.
    public init(fileCall: @escaping @Sendable () -> FileCall? = { nil }) { self.fileCall = fileCall }

    /// That of ranks which nobody watches.
    public static let unwatched = ActivityBoard()

    /// Notes what the rank does from now on.
    public func enter(_ phase: Phase) {
        state.withLock {
            $0.phase = phase
            $0.progress += 1
        }
    }

    /// Notes that the phase is over, and that its name and patience hold until the next one begins.
    public func leave() {
        state.withLock {
            ($0.phase.isComputing, $0.phase.isWaiting) = (false, false)
            $0.progress += 1
        }
    }

    /// Notes that the rank has got on.
    public func tick() { state.withLock { $0.progress += 1 } }

    /// Notes that update `step` of the run begins.
    public func begin(step: Int) {
        state.withLock {
            if step != $0.step { $0.steps += 1 }
            $0.step = step
            $0.progress += 1
        }
    }

    /// Notes that the rank begins or ends to wait for other ranks, in a collective function.
    public func setWaiting(_ isWaiting: Bool) {
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

    /// Notes time spent on waiting for data, and on computing with what was waited for other ranks in it.
    public func add(dataTime: Duration = .zero, computeTime: Duration = .zero) {
        state.withLock {
            $0.dataTime += dataTime
            $0.computeTime += computeTime
            $0.progress += 1
        }
    }

    /// Has this rank no longer watched, as a setting may want it.
    public func stopWatching() { state.withLock { $0.isWatched = false } }

    var isWatched: Bool { state.withLock(\.isWatched) }

    /// What the rank does.
    ///
    /// - Parameters:
    ///   - exchanges: Those that it has begun, if all ranks count the same.
    ///   - processorTime: Seconds that the process has used so far.
    ///   - polling: The milliseconds that a thread has spent in the system so far.
    /// - Returns: Also the call to the file system that holds it up, if one does.
    package func look(
        exchanges: Int, processorTime: Double, polling: (ThreadIdentity) -> Int = { _ in 0 }
    ) -> (activity: Activity, fileCall: FileCall?) {
        let call = fileCall().flatMap { $0.start.duration(to: .now) >= Self.shortestFileWait ? $0 : nil }
        return state.withLock { state in
            let isWaiting = state.waitingSince != nil || state.phase.isWaiting
            // How long work takes that has no steps is not known, but that the processor works on it is.
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

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
