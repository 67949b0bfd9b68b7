import Foundation
import Synchronization

/// Ranks as threads of one process, to test results that must not depend on the number of ranks.
///
/// `@unchecked Sendable`: all state is read and written under `condition`.
package final class ThreadedWorld: @unchecked Sendable {
    package let size: Int
    private let condition = NSCondition()
    private var contributions: [any Sendable]
    private var exchanged: [any Sendable] = []
    private var arrived = 0
    private var round = 0

    private var other: ThreadedWorld?

    private init(size: Int) {
        self.size = size
        contributions = [any Sendable](repeating: 0, count: size)
    }

    /// A second world of the same ranks, for their other threads.
    var twin: ThreadedWorld {
        condition.lock()
        defer { condition.unlock() }
        let twin = other ?? ThreadedWorld(size: size)
        other = twin
        return twin
    }

    /// Runs `body` once for each rank, concurrently; returns the results in the order of ranks.
    package static func run<Result: Sendable>(
        size: Int, _ body: @escaping @Sendable (_ rank: Int, _ world: ThreadedWorld) throws -> Result
    ) throws -> [Result] {
        let world = ThreadedWorld(size: size)
        let results = Results<Result>(count: size)
        let group = DispatchGroup()
        for rank in 0..<size {
            group.enter()
            let thread = Thread {
                results.set(rank, Swift.Result { try body(rank, world) })
                group.leave()
            }
            thread.stackSize = 4 << 20
            thread.start()
        }
        group.wait()
        return try results.all.map { try $0.get() }
    }

    /// Every rank's value, rank 0 first; returns when all ranks have called it.
    package func exchange<Value: Sendable>(_ own: Value, rank: Int) -> [Value] {
        condition.lock()
        defer { condition.unlock() }
        contributions[rank] = own
        arrived += 1
        let ownRound = round
        if arrived == size {
            exchanged = contributions
            arrived = 0
            round += 1
            condition.broadcast()
        }
        while round == ownRound { condition.wait() }
        return exchanged.map { $0 as! Value }
    }

    /// All-reduces `values` by the balanced tree; every rank gets the sum.
    package func sumAcrossRanks<Value: FloatingPoint & Sendable>(
        _ values: inout MutableSpan<Value>, rank: Int
    ) {
        let own = values.indices.map { values[$0] }
        let sum = plainTreeSum(exchange(own, rank: rank))
        for i in values.indices { values[i] = sum[i] }
    }
}

private final class Results<Value: Sendable>: Sendable {
    private let values: Mutex<[Result<Value, any Error>?]>

    init(count: Int) { values = Mutex([Result<Value, any Error>?](repeating: nil, count: count)) }

    func set(_ index: Int, _ value: Result<Value, any Error>) { values.withLock { $0[index] = value } }

    var all: [Result<Value, any Error>] { values.withLock { $0.compactMap(\.self) } }
}
