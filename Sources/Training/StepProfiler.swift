internal import Cluster
internal import Numerics
internal import Synchronization

/// Measures the phases of a rank: their times in the epoch and, if a timeline is requested, each
/// single phase.
///
/// The training thread and the thread that all-reduces gradients may use it at the same time.
final class StepProfiler: Sendable {
    /// One phase; times are in nanoseconds since the profiler was created.
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
        /// Updates of the run.
        var step = 0
    }

    private let clock = ContinuousClock()
    private let origin = ContinuousClock.now
    private let keepsSpans: Bool
    private let board: ActivityBoard
    private let state = Mutex(State())

    /// - Parameter board: The board that the watchdog reads.
    init(board: ActivityBoard, keepsSpans: Bool) {
        self.board = board
        self.keepsSpans = keepsSpans
    }

    /// The times since the last call.
    func takeTimes() -> PhaseTimes {
        state.withLock { state in
            defer { state.times = PhaseTimes() }
            return state.times
        }
    }

    /// All phases so far, in the order of their ends.
    var spans: [Span] { state.withLock(\.spans) }

    /// Nanoseconds since the profiler was created.
    var now: Int64 { nanoseconds(clock.now) }

    /// Sets the step to which the following phases belong.
    func begin(step: Int) {
        state.withLock { $0.step = step }
        board.begin(step: step)
    }

    /// Records that the training thread enters a phase.
    func enter(_ phase: Phase) { board.enter(phase.watched) }

    /// Records that the training thread has made progress.
    func tick() { board.tick() }

    /// Runs `body` as a phase, which is recorded even if `body` throws.
    func measure<Result, Failure: Error>(
        _ phase: Phase, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        enter(phase)
        let start = clock.now
        defer {
            note(phase, from: start, to: clock.now)
            board.leave()
        }
        return try body()
    }

    /// Records a finished phase.
    func note(_ phase: Phase, from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) {
        board.add(
            dataTime: phase == .data ? end - start : .zero,
            computeTime: phase.isComputing ? end - start : .zero)
        state.withLock {
            $0.times.add(end - start, to: phase)
            guard keepsSpans else { return }
            $0.spans.append(
                Span(phase: phase, step: $0.step, start: nanoseconds(start), end: nanoseconds(end)))
        }
    }

    private func nanoseconds(_ instant: ContinuousClock.Instant) -> Int64 { (instant - origin).nanoseconds }
}
