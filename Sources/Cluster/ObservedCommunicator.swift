/// A communicator that tells when its rank waits for others.
public final class ObservedCommunicator: Communicator {
    private let base: any Communicator
    private let observer: @Sendable (_ isWaiting: Bool) -> Void

    /// - Parameter observer: Called before and after each collective function, on the thread that calls it.
    public init(_ base: any Communicator, observer: @escaping @Sendable (_ isWaiting: Bool) -> Void) {
        self.base = base
        self.observer = observer
    }

    public var rank: Int { base.rank }
    public var worldSize: Int { base.worldSize }
    public var localRank: Int { base.localRank }
    public var localSize: Int { base.localSize }
    public var hostName: String { base.hostName }
    public var exchangeCount: Int { base.exchangeCount }

    public func treeSum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        observer(true)
        defer { observer(false) }
        try base.treeSum(&values)
    }

    public func treeSum(_ values: inout MutableSpan<Double>) throws(MPIError) {
        observer(true)
        defer { observer(false) }
        try base.treeSum(&values)
    }

    public func treeSum(_ values: inout MutableSpan<Int64>) throws(MPIError) {
        observer(true)
        defer { observer(false) }
        try base.treeSum(&values)
    }

    public func librarySum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        observer(true)
        defer { observer(false) }
        try base.librarySum(&values)
    }

    /// One that is not observed: another thread's waiting is not this one's.
    public func duplicate() throws(MPIError) -> any Communicator { try base.duplicate() }

    public func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) throws(MPIError) {
        observer(true)
        defer { observer(false) }
        try base.broadcast(&values, from: root)
    }

    public func allGather<Element: MessageElement>(
        _ values: Span<Element>, counts: [Int]
    ) throws(MPIError) -> [Element] {
        observer(true)
        defer { observer(false) }
        return try base.allGather(values, counts: counts)
    }

    public func maximum(_ value: Int) throws(MPIError) -> Int {
        observer(true)
        defer { observer(false) }
        return try base.maximum(value)
    }

    public func barrier() throws(MPIError) {
        observer(true)
        defer { observer(false) }
        try base.barrier()
    }

    public func finish() throws(MPIError) {
        observer(true)
        defer { observer(false) }
        try base.finish()
    }

    public func abort(exitCode: Int32, report: () -> Void) -> Never {
        base.abort(exitCode: exitCode, report: report)
    }
}
