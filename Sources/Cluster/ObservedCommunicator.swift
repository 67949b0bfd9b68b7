/// A communicator that records on a board when its rank waits for others.
package final class ObservedCommunicator: Communicator {
    private let base: any Communicator
    package let board: ActivityBoard

    package init(_ base: any Communicator, board: ActivityBoard) {
        self.base = base
        self.board = board
    }

    package var rank: Int { base.rank }
    package var worldSize: Int { base.worldSize }
    package var localRank: Int { base.localRank }
    package var localSize: Int { base.localSize }
    package var hostName: String { base.hostName }
    package var exchangeCount: Int { base.exchangeCount }

    /// Runs a collective function, during which the rank counts as waiting for the others.
    private func waiting<Result>(_ body: () throws(MPIError) -> Result) throws(MPIError) -> Result {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        return try body()
    }

    package func treeSum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.treeSum(&values)
    }

    package func treeSum(_ values: inout MutableSpan<Double>) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.treeSum(&values)
    }

    package func treeSum(_ values: inout MutableSpan<Int64>) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.treeSum(&values)
    }

    package func librarySum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.librarySum(&values)
    }

    /// A duplicate that is not observed: the waiting of another thread is not this one's.
    package func duplicate() throws(MPIError) -> any Communicator {
        try waiting { () throws(MPIError) in try base.duplicate() }
    }

    package func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.broadcast(&values, from: root)
    }

    package func allGather<Element: MessageElement>(
        _ values: Span<Element>, counts: [Int]
    ) throws(MPIError) -> [Element] {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        return try base.allGather(values, counts: counts)
    }

    package func maximum(_ value: Int) throws(MPIError) -> Int {
        try waiting { () throws(MPIError) in try base.maximum(value) }
    }

    package func barrier() throws(MPIError) {
        try waiting { () throws(MPIError) in try base.barrier() }
    }

    package func finish() throws(MPIError) {
        try waiting { () throws(MPIError) in try base.finish() }
    }

    package func beginAlone() { base.beginAlone() }

    package func endAlone() { base.endAlone() }

    package func abort(exitCode: Int32, report: () -> Void) -> Never {
        base.abort(exitCode: exitCode, report: report)
    }
}
