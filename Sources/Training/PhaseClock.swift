internal import Cluster
internal import Synchronization

/// Measures the phases of a rank: their times in the epoch, and each of them where a timeline is wanted.
///
/// The thread that trains and the one that sums gradients may use it at the same time.
final class PhaseClock: Sendable {
    /// One phase, in nanoseconds since the clock was made.
    struct Span: Equatable, Sendable {
        var phase: Phase
        /// Updates made before it began.
        var step: Int
        var start: Int64
        var end: Int64
    }

    private struct State {
        var times = PhaseTimes()
        var spans: [Span] = []
        /// Updates of the run, and those of this process.
        var step = 0
        var steps = 0
        /// What the training thread does now.
        var current: Phase?
        var waitingSince: ContinuousClock.Instant?
        var progress = 0
        /// Collective functions that the training thread has begun.
        var collectives = 0
        /// Since the clock was made.
        var dataTime = Duration.zero
        var computeTime = Duration.zero
    }

    private let clock = ContinuousClock()
    private let origin = ContinuousClock.now
    private let keepsSpans: Bool
    private let state = Mutex(State())

    init(keepsSpans: Bool) { self.keepsSpans = keepsSpans }

    /// The times since the last call.
    func takeTimes() -> PhaseTimes {
        state.withLock { state in
            defer { state.times = PhaseTimes() }
            return state.times
        }
    }

    /// All phases so far, in the order of their ends.
    var spans: [Span] { state.withLock(\.spans) }

    /// Nanoseconds since the clock was made.
    var now: Int64 { nanoseconds(clock.now) }

    /// What the phases that follow belong to.
    func begin(step: Int) {
        state.withLock {
            if step != $0.step { $0.steps += 1 }
            $0.step = step
            $0.progress += 1
        }
    }

    /// Notes what the training thread does from now on.
    func enter(_ phase: Phase) {
        state.withLock {
            $0.current = phase
            $0.progress += 1
        }
    }

    /// Notes that the training thread has got on.
    func tick() { state.withLock { $0.progress += 1 } }

    /// Notes that the training thread begins or ends to wait for other ranks.
    func setWaiting(_ isWaiting: Bool) {
        let now = clock.now
        state.withLock {
            $0.progress += 1
            if isWaiting { $0.collectives += 1 }
            if let since = $0.waitingSince, $0.current?.isComputing == true { $0.computeTime -= now - since }
            $0.waitingSince = isWaiting ? now : nil
        }
    }

    /// What this rank does, for those who watch it.
    ///
    /// - Parameter exchanges: Those that it has begun, if all ranks count the same.
    func activity(exchanges: Int) -> Activity {
        state.withLock {
            Activity(
                phase: $0.current.map { Phase.allCases.firstIndex(of: $0)! } ?? Phase.allCases.count,
                isWaiting: $0.waitingSince != nil || $0.current == .wait, isSlow: $0.current == .checkpoint,
                progress: $0.progress, collectives: $0.collectives, exchanges: exchanges, steps: $0.steps,
                step: $0.step, dataTime: $0.dataTime.nanoseconds, computeTime: $0.computeTime.nanoseconds)
        }
    }

    /// The names of phases by their place in an activity.
    static let activityNames = Phase.allCases.map(\.rawValue) + ["start"]

    /// Runs `body` as a phase, also where it throws.
    func measure<Result, Failure: Error>(
        _ phase: Phase, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        enter(phase)
        let start = clock.now
        defer { note(phase, from: start, to: clock.now) }
        return try body()
    }

    /// Notes a phase that is over.
    func note(_ phase: Phase, from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) {
        state.withLock {
            $0.times.add(end - start, to: phase)
            if phase == .data { $0.dataTime += end - start }
            if phase.isComputing { $0.computeTime += end - start }
            $0.progress += 1
            guard keepsSpans else { return }
            $0.spans.append(
                Span(phase: phase, step: $0.step, start: nanoseconds(start), end: nanoseconds(end)))
        }
    }

    private func nanoseconds(_ instant: ContinuousClock.Instant) -> Int64 { (instant - origin).nanoseconds }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
