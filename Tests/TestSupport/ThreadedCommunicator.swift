package import Cluster
import Foundation

/// A rank of a `ThreadedWorld`, to run whole jobs in one process.
package final class ThreadedCommunicator: Communicator {
    package let rank: Int
    package var worldSize: Int { world.size }
    package var localRank: Int { rank }
    package var localSize: Int { world.size }
    package let hostName = "threads"
    package let exchangeCount = 0
    private let world: ThreadedWorld
    private let isFaulty: Bool
    private let isDuplicate: Bool
    private let observer: @Sendable () -> Void

    /// - Parameters:
    ///   - isFaulty: Whether a bit of the first element of a sum by a duplicate communicator is
    ///     flipped on this rank.
    ///   - observer: Called before each collective function, except those of duplicates.
    package convenience init(
        rank: Int, of world: ThreadedWorld, isFaulty: Bool = false,
        observer: @escaping @Sendable () -> Void = {}
    ) {
        self.init(rank: rank, of: world, isFaulty: isFaulty, isDuplicate: false, observer)
    }

    private init(
        rank: Int, of world: ThreadedWorld, isFaulty: Bool, isDuplicate: Bool,
        _ observer: @escaping @Sendable () -> Void
    ) {
        self.rank = rank
        self.world = world
        self.isFaulty = isFaulty
        self.isDuplicate = isDuplicate
        self.observer = observer
    }

    private func exchange<Value: Sendable>(_ value: Value) -> [Value] {
        observer()
        return world.exchange(value, rank: rank)
    }

    package func treeSum(_ values: inout MutableSpan<Float>) {
        observer()
        world.sumAcrossRanks(&values, rank: rank)
        if isFaulty && isDuplicate { values[0] = Float(bitPattern: values[0].bitPattern ^ 1 << 22) }
    }

    package func treeSum(_ values: inout MutableSpan<Double>) {
        observer()
        world.sumAcrossRanks(&values, rank: rank)
    }

    package func treeSum(_ values: inout MutableSpan<Int64>) {
        let all = exchange(values.indices.map { values[$0] })
        for i in values.indices { values[i] = all.map { $0[i] }.reduce(0, +) }
    }

    package func librarySum(_ values: inout MutableSpan<Float>) { treeSum(&values) }

    package func duplicate() -> any Communicator {
        ThreadedCommunicator(rank: rank, of: world.twin, isFaulty: isFaulty, isDuplicate: true) {}
    }

    package func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) {
        let all = exchange(values.indices.map { values[$0] })
        for i in values.indices { values[i] = all[root][i] }
    }

    package func allGather<Element: MessageElement>(_ values: Span<Element>, counts: [Int]) -> [Element] {
        exchange(values.indices.map { values[$0] }).flatMap(\.self)
    }

    package func maximum(_ value: Int) -> Int { exchange(value).max()! }
    package func barrier() { _ = exchange(0) }
    package func finish() { barrier() }

    package func abort(exitCode: Int32, report: () -> Void) -> Never {
        report()
        exit(exitCode)
    }
}
