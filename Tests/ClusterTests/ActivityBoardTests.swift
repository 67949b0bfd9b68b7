import Cluster
import Foundation
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(30)))
struct ActivityBoardTests {
    private func progress(_ board: ActivityBoard, _ processorTime: Double) -> Int {
        board.look(exchanges: 0, processorTime: processorTime).activity.progress
    }

    @Test func aCallThatTakesLongIsAPhaseOfItsOwn() {
        let call = Mutex<ActivityBoard.FileCall?>(nil)
        let board = ActivityBoard(fileCall: { call.withLock(\.self) })
        board.enter(ActivityBoard.Phase("data", patience: .steps))
        call.withLock { $0 = ("/data/shard", .now) }
        #expect(board.look(exchanges: 0, processorTime: 0).activity.phase == "data")
        call.withLock { $0 = ("/data/shard", .now - .seconds(12)) }
        let (activity, file) = board.look(exchanges: 0, processorTime: 0)
        #expect(activity.phase == "data, waiting for the file system" && activity.patience == .files)
        #expect(file?.path == "/data/shard")
        // A file call of another thread is no excuse for a rank that computes or waits for other
        // ranks.
        board.enter(ActivityBoard.Phase("backward", patience: .steps, usesFiles: false))
        #expect(board.look(exchanges: 0, processorTime: 0).activity.patience == .steps)
        board.enter(ActivityBoard.Phase("data", patience: .steps))
        board.setWaiting(true)
        #expect(board.look(exchanges: 0, processorTime: 0).activity.patience == .steps)
    }

    /// The length of a fit is unknown, but its CPU time shows progress.
    @Test func workWithoutStepsGetsOnAsLongAsTheProcessorDoes() {
        let board = ActivityBoard()
        board.enter(ActivityBoard.Phase("evaluation"))
        let start = progress(board, 1)
        #expect(progress(board, 1.05) == start)
        #expect(progress(board, 1.2) > start)
        let later = progress(board, 1.25)
        board.setWaiting(true)
        let waiting = progress(board, 1.3)
        #expect(waiting > later && progress(board, 9) == waiting)
        board.setWaiting(false)
        board.enter(ActivityBoard.Phase("forward", patience: .steps))
        let forward = progress(board, 10)
        #expect(progress(board, 20) == forward)
    }

    @Test func waitingForOthersIsNoComputing() {
        let board = ActivityBoard()
        board.enter(ActivityBoard.Phase("forward", patience: .steps, isComputing: true))
        board.setWaiting(true)
        board.setWaiting(false)
        board.add(computeTime: .seconds(1))
        let activity = board.look(exchanges: 3, processorTime: 0).activity
        #expect(activity.computeTime < 1_000_000_000 && activity.computeTime > 0)
        #expect(activity.collectives == 1 && activity.exchanges == 3)
        // Waiting after the phase does not count as its time.
        board.leave()
        board.setWaiting(true)
        board.setWaiting(false)
        #expect(board.look(exchanges: 3, processorTime: 0).activity.computeTime == activity.computeTime)
    }

    @Test func aThreadThatWaitsTellsWhetherItAsksForMessages() {
        let board = ActivityBoard()
        let polling = {
            board.look(exchanges: 0, processorTime: 0) { $0.isCurrent ? 7 : 0 }.activity.polling
        }
        #expect(polling() == 0)
        board.setWaiting(true)
        #expect(polling() == 7)
        board.setWaiting(false)
        #expect(polling() == 0)
    }

    @Test func theTimeOfAThreadInTheSystemGrowsByItsCalls() {
        let thread = ThreadIdentity.current
        let before = thread.millisecondsInSystem
        while thread.millisecondsInSystem < before + 50 { sched_yield() }
        #expect(thread.isCurrent)
    }
}
