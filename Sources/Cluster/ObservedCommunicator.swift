/// A communicator that records on a board when its rank waits for others.
public final class ObservedCommunicator: Communicator {
    private let base: any Communicator
    public let board: ActivityBoard

    public init(_ base: any Communicator, board: ActivityBoard) {
        self.base = base
        self.board = board
    }

    public var rank: Int { base.rank }
    public var worldSize: Int { base.worldSize }
    public var localRank: Int { base.localRank }
    public var localSize: Int { base.localSize }
    public var hostName: String { base.hostName }
    public var exchangeCount: Int { base.exchangeCount }

    /// Runs a collective function, during which the rank counts as waiting for the others.
    private func waiting<Result>(_ body: () throws(MPIError) -> Result) throws(MPIError) -> Result {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        return try body()
    }

    public func treeSum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.treeSum(&values)
    }

    public func treeSum(_ values: inout MutableSpan<Double>) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.treeSum(&values)
    }

    public func treeSum(_ values: inout MutableSpan<Int64>) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.treeSum(&values)
    }

    public func librarySum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.librarySum(&values)
    }

    /// A duplicate that is not observed: the waiting of another thread is not this one's.
    public func duplicate() throws(MPIError) -> any Communicator {
        try waiting { () throws(MPIError) in try base.duplicate() }
    }

    public func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) throws(MPIError) {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        try base.broadcast(&values, from: root)
    }

    public func allGather<Element: MessageElement>(
        _ values: Span<Element>, counts: [Int]
    ) throws(MPIError) -> [Element] {
        board.setWaiting(true)
        defer { board.setWaiting(false) }
        return try base.allGather(values, counts: counts)
    }

    public func maximum(_ value: Int) throws(MPIError) -> Int {
        try waiting { () throws(MPIError) in try base.maximum(value) }
    }

    public func barrier() throws(MPIError) {
        try waiting { () throws(MPIError) in try base.barrier() }
    }

    public func finish() throws(MPIError) {
        try waiting { () throws(MPIError) in try base.finish() }
    }

    public func beginAlone() { base.beginAlone() }

    public func endAlone() { base.endAlone() }

    public func abort(exitCode: Int32, report: () -> Void) -> Never {
        base.abort(exitCode: exitCode, report: report)
    }
}
