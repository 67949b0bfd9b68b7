import Cluster
import Foundation
import Synchronization
import TestSupport
import Testing

/// Watchdogs of ranks that run as threads, over this host's real sockets.
@Suite(.slow, .timeLimit(.minutes(30)))
struct WatchdogTests {
    /// A rank that stops watching announces it and may then be silent; otherwise it would count as
    /// dead.
    @Test func aRankThatStopsWatchingIsNotMissed() throws {
        let reports = try ThreadedWorld.run(size: 2) { rank, world in
            let communicator = ThreadedCommunicator(rank: rank, of: world)
            let (beats, reports) = (BeatCount(), Reports())
            // Each heartbeat asks the board for it.
            let board = ActivityBoard(fileCall: {
                beats.add()
                return nil
            })
            // The rank makes progress; otherwise its standstill would be reported.
            let work = { (last: Int) in
                for beat in 1...last {
                    beats.wait(for: beat)
                    board.enter(ActivityBoard.Phase("work"))
                }
            }
            let watchdog = try Watchdog(communicator, board: board) { reports.add($0) }
            try watchdog.start()
            // Each rank has received from the other more than once.
            work(6)
            communicator.barrier()
            if rank == 1 {
                watchdog.stop()
            } else {
                // There are two heartbeats a second; a silence of 8 s would be reported.
                work(6 + 28)
            }
            communicator.barrier()
            watchdog.stop()
            return reports.all
        }
        #expect(reports == [[], []])
    }
}

/// Counts heartbeats.
///
/// `@unchecked Sendable`: the count is read and written under `condition`.
private final class BeatCount: @unchecked Sendable {
    private let condition = NSCondition()
    private var count = 0

    func add() {
        condition.withLock {
            count += 1
            condition.broadcast()
        }
    }

    func wait(for number: Int) {
        condition.withLock { while count < number { condition.wait() } }
    }
}

private final class Reports: Sendable {
    private let list = Mutex<[Watchdog.Report]>([])

    func add(_ report: Watchdog.Report) { list.withLock { $0.append(report) } }
    var all: [Watchdog.Report] { list.withLock(\.self) }
}
