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
        /// Updates of the run.
        var step = 0
    }

    private let clock = ContinuousClock()
    private let origin = ContinuousClock.now
    private let keepsSpans: Bool
    private let board: ActivityBoard
    private let state = Mutex(State())

    /// - Parameter board: Where those who watch this rank look.
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

    /// Nanoseconds since the clock was made.
    var now: Int64 { nanoseconds(clock.now) }

    /// What the phases that follow belong to.
    func begin(step: Int) {
        state.withLock { $0.step = step }
        board.begin(step: step)
    }

    /// Notes what the training thread does from now on.
    func enter(_ phase: Phase) { board.enter(phase.watched) }

    /// Notes that the training thread has got on.
    func tick() { board.tick() }

    /// Runs `body` as a phase, also where it throws.
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

    /// Notes a phase that is over.
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

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
