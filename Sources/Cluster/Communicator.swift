/// The ranks of a job and their collective functions.
///
/// Except for `abort`, every function is collective: all ranks call it, in the same order and with
/// matching arguments. Several threads may use one communicator, but not at the same time.
package protocol Communicator: AnyObject, Sendable {
    /// This process's rank, from 0.
    var rank: Int { get }
    /// The number of ranks.
    var worldSize: Int { get }
    /// This process's rank among the ranks on its host, from 0.
    var localRank: Int { get }
    /// The number of ranks on this host.
    var localSize: Int { get }
    /// The name of this host.
    var hostName: String { get }
    /// The board on which this rank records its activity.
    var board: ActivityBoard { get }

    /// Overwrites `values` with their sum over all ranks; the sum has the same bits on every rank.
    ///
    /// If the world size is 2ᵏ, the order of summation is the balanced binary tree over the ranks,
    /// which is the upper part of the tree over microbatches (`ReductionTree`): the sum has the
    /// bits that a single rank computes. For other world sizes the order is fixed too, but it
    /// differs. A rank without a contribution passes −0.0, the identity of IEEE addition:
    /// `x + −0.0` has the bits of `x`, whereas `−0.0 + 0.0` does not have those of −0.0.
    ///
    /// - Parameter values: The same count on all ranks; any count.
    func treeSum(_ values: inout MutableSpan<Float>) throws(MPIError)
    /// As for `Float`.
    func treeSum(_ values: inout MutableSpan<Double>) throws(MPIError)
    /// As for `Float`; a rank without a contribution passes 0.
    func treeSum(_ values: inout MutableSpan<Int64>) throws(MPIError)

    /// Overwrites `values` with their sum over all ranks by the MPI library's all-reduce. The
    /// library chooses the order of summation, which depends on the world size, the count and the
    /// library's version.
    ///
    /// - Parameter values: The same count on all ranks; any count.
    func librarySum(_ values: inout MutableSpan<Float>) throws(MPIError)

    /// A communicator over the same ranks for another thread; its messages are separate from this
    /// communicator's.
    ///
    /// Its functions sleep while they wait, which leaves the core to threads that compute. It is
    /// valid as long as the communicator that it was made from; call `finish` only on the latter.
    func duplicate() throws(MPIError) -> any Communicator

    /// Overwrites `values` with those of rank `root`.
    ///
    /// - Parameter values: The same count on all ranks; any count.
    func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) throws(MPIError)

    /// Concatenates the values of all ranks, rank 0 first.
    ///
    /// - Parameter counts: The number of values of each rank; the same array on all ranks.
    /// - Precondition: `counts[rank] == values.count`.
    func allGather<Element: MessageElement>(
        _ values: Span<Element>, counts: [Int]
    ) throws(MPIError) -> [Element]

    /// The largest of the ranks' values.
    func maximum(_ value: Int) throws(MPIError) -> Int

    /// Waits until all ranks have called it.
    func barrier() throws(MPIError)

    /// The number of pairwise exchanges that this rank has begun inside `treeSum`. If `isExact`, it
    /// is the same on all ranks at the same place of the program. Any thread may read it.
    var exchangeCount: Int { get }

    /// Declares that this rank calls no collective function until `endAlone`; see `together`.
    func beginAlone()
    func endAlone()

    /// Finalises MPI once all ranks have called it; the communicator cannot be used afterwards.
    ///
    /// Print everything before the call: `mpirun` ends the other ranks as soon as one exits with a
    /// code other than 0.
    func finish() throws(MPIError)

    /// Ends the whole job from a rank that cannot continue, whatever the other ranks are doing.
    ///
    /// Ranks that fail within half a second of each other count as one failure: the lowest of them
    /// calls `report`. If all ranks can still wait for the failure, use `firstFailure` and `finish`
    /// instead, which end the job more quietly.
    ///
    /// - Parameters:
    ///   - exitCode: The exit code of `mpirun`, 1...255.
    ///   - report: Reports the failure; called on one rank.
    func abort(exitCode: Int32, report: () -> Void) -> Never
}

extension Communicator {
    package var board: ActivityBoard { .unwatched }

    package func beginAlone() {}
    package func endAlone() {}

    /// Whether `treeSum` gives the bits that a single rank computes; true if the world size is a
    /// power of two.
    package var isExact: Bool { worldSize & (worldSize - 1) == 0 }

    /// The smallest of the ranks' values.
    ///
    /// - Precondition: No value is `Int.min`.
    package func minimum(_ value: Int) throws(MPIError) -> Int { try -maximum(-value) }

    /// Whether `flag` is set on any rank.
    package func anyRank(_ flag: Bool) throws(MPIError) -> Bool { try maximum(flag ? 1 : 0) == 1 }

    /// Concatenates the values of all ranks, rank 0 first; ranks need not know each other's counts.
    package func allGather<Element: MessageElement>(_ values: Span<Element>) throws(MPIError) -> [Element] {
        let own = [Int64(values.count)]
        let counts = try allGather(own.span, counts: Array(repeating: 1, count: worldSize))
        return try allGather(values, counts: counts.map { Int($0) })
    }

    /// The host of each rank; collective.
    package func hostNames() throws(MPIError) -> [String] {
        let all = try allGather(Array("\(hostName)\n".utf8).span)
        return all.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Broadcasts the bytes of rank `root`; the other ranks need not know their count.
    ///
    /// - Parameter bytes: Read on rank `root` only.
    package func broadcast(_ bytes: [UInt8], from root: Int) throws(MPIError) -> [UInt8] {
        let count = try maximum(rank == root ? bytes.count : 0)
        var result = rank == root ? bytes : [UInt8](repeating: 0, count: count)
        var span = result.mutableSpan
        try broadcast(&span, from: root)
        return result
    }
}
