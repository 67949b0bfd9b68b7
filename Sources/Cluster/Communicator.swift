/// The ranks of a job and what they do together.
///
/// Except for `abort`, every function is collective: all ranks call it, in the same order and with matching
/// arguments. Threads may use one communicator in turn, not at the same time.
public protocol Communicator: AnyObject, Sendable {
    /// This process's number, from 0.
    var rank: Int { get }
    /// The number of ranks.
    var worldSize: Int { get }
    /// This process's number among those on its host, from 0.
    var localRank: Int { get }
    /// The number of ranks on this host.
    var localSize: Int { get }
    /// The name of this host.
    var hostName: String { get }
    /// Where this rank notes what it does.
    var board: ActivityBoard { get }

    /// Overwrites `values` with their sum over all ranks, on every rank the same bits.
    ///
    /// In a world of 2ᵏ ranks the order is the balanced binary tree over the ranks, which is the upper part of the
    /// tree over lanes (`LaneTree`): the bits are those that one rank would have got. In other worlds the order is
    /// fixed too, but another one. A rank without a contribution gives −0.0, the identity of IEEE addition:
    /// `x + −0.0` has the bits of `x`, while `−0.0 + 0.0` has not.
    ///
    /// - Parameter values: The same count on all ranks; any count.
    func treeSum(_ values: inout MutableSpan<Float>) throws(MPIError)
    /// As for `Float`.
    func treeSum(_ values: inout MutableSpan<Double>) throws(MPIError)
    /// As for `Float`; a rank without a contribution gives 0.
    func treeSum(_ values: inout MutableSpan<Int64>) throws(MPIError)

    /// Overwrites `values` with their sum over all ranks as the MPI library makes it: in an order of its own, which depends on
    /// the world, the count and the library's version.
    ///
    /// - Parameter values: The same count on all ranks; any count.
    func librarySum(_ values: inout MutableSpan<Float>) throws(MPIError)

    /// The same ranks once more, whose messages keep clear of this communicator's: for another thread.
    ///
    /// Where its functions wait they sleep, and leave the core to those who compute. It lasts as long as the communicator
    /// that it was made from, which alone is to be finished.
    func duplicate() throws(MPIError) -> any Communicator

    /// Overwrites `values` with those of rank `root`.
    ///
    /// - Parameter values: The same count on all ranks; any count.
    func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) throws(MPIError)

    /// Joins the values of all ranks, rank 0 first.
    ///
    /// - Parameter counts: How many values each rank gives; the same on all ranks.
    /// - Precondition: `counts[rank] == values.count`.
    func allGather<Element: MessageElement>(
        _ values: Span<Element>, counts: [Int]
    ) throws(MPIError) -> [Element]

    /// The largest of the ranks' values.
    func maximum(_ value: Int) throws(MPIError) -> Int

    /// Waits until all ranks are here.
    func barrier() throws(MPIError)

    /// Exchanges with single ranks that this rank has begun inside `treeSum`; at the same place of a program the same on all ranks if
    /// `isExact`. Any thread may ask.
    var exchangeCount: Int { get }

    /// Notes that this rank calls no collective function until `endAlone`; see `together`.
    func beginAlone()
    func endAlone()

    /// Ends MPI when all ranks have called it; the communicator is of no use afterwards.
    ///
    /// Whatever is to be printed must be printed before: `mpirun` ends the other ranks as soon as one exits with
    /// a code other than 0.
    func finish() throws(MPIError)

    /// Ends the whole job from a rank that cannot go on, whatever the other ranks are doing.
    ///
    /// Ranks that fail within half a second of each other count as one failure: the lowest of them calls `report`.
    /// For a failure that all ranks can wait for, `firstFailure` and `finish` are the quieter way.
    ///
    /// - Parameters:
    ///   - exitCode: What `mpirun` exits with, 1...255.
    ///   - report: Says what happened; called on one rank.
    func abort(exitCode: Int32, report: () -> Void) -> Never
}

extension Communicator {
    public var board: ActivityBoard { .unwatched }

    public func beginAlone() {}
    public func endAlone() {}

    /// Whether `treeSum` gives the bits that one rank would have got: the world size is a power of two.
    public var isExact: Bool { worldSize & (worldSize - 1) == 0 }

    /// The smallest of the ranks' values.
    ///
    /// - Precondition: No value is `Int.min`.
    public func minimum(_ value: Int) throws(MPIError) -> Int { try -maximum(-value) }

    /// Whether `flag` is set on any rank.
    public func anyRank(_ flag: Bool) throws(MPIError) -> Bool { try maximum(flag ? 1 : 0) == 1 }

    /// Joins the values of all ranks, rank 0 first, where ranks do not know each other's counts.
    public func allGather<Element: MessageElement>(_ values: Span<Element>) throws(MPIError) -> [Element] {
        let own = [Int64(values.count)]
        let counts = try allGather(own.span, counts: Array(repeating: 1, count: worldSize))
        return try allGather(values, counts: counts.map { Int($0) })
    }

    /// The host of each rank; collective.
    public func hostNames() throws(MPIError) -> [String] {
        let all = try allGather(Array("\(hostName)\n".utf8).span)
        return all.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of rank `root`, whose count the other ranks need not know.
    ///
    /// - Parameter bytes: Read on rank `root` only.
    public func broadcast(_ bytes: [UInt8], from root: Int) throws(MPIError) -> [UInt8] {
        let count = try maximum(rank == root ? bytes.count : 0)
        var result = rank == root ? bytes : [UInt8](repeating: 0, count: count)
        var span = result.mutableSpan
        try broadcast(&span, from: root)
        return result
    }
}
