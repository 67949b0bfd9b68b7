internal import Foundation
internal import Synchronization

/// A communicator for tests: before each collective function its ranks compare which one they are
/// about to call.
///
/// Without it, a rank in another function than the rest waits for ever, or mistakes the numbers of
/// one function for those of another. Here all ranks throw an error that lists what each was about
/// to call. The contract of `together` is checked too: no collective function inside it.
package final class CheckedCommunicator: Communicator {
    /// The environment variable that makes `connect` use this communicator.
    static let variable = "T2FNORM_CHECK_COLLECTIVES"
    /// The code of the `MPIError` that is thrown; MPI itself has no such code.
    static let code: Int32 = -1

    private struct State {
        /// The number of collective functions so far, and a hash of their names and sizes.
        var count: Int64 = 0
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        /// The nesting depth of `together` on this rank.
        var alone = 0
    }

    private let base: any Communicator
    private let state = Mutex(State())

    package init(_ base: any Communicator) { self.base = base }

    /// Whether the environment asks for the check.
    static func isWanted(_ variables: [String: String]) -> Bool { variables[variable] == "1" }

    package var rank: Int { base.rank }
    package var worldSize: Int { base.worldSize }
    package var localRank: Int { base.localRank }
    package var localSize: Int { base.localSize }
    package var hostName: String { base.hostName }
    package var exchangeCount: Int { base.exchangeCount }
    package var board: ActivityBoard { base.board }

    package func treeSum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        try check("treeSum of Float", values.count)
        try base.treeSum(&values)
    }

    package func treeSum(_ values: inout MutableSpan<Double>) throws(MPIError) {
        try check("treeSum of Double", values.count)
        try base.treeSum(&values)
    }

    package func treeSum(_ values: inout MutableSpan<Int64>) throws(MPIError) {
        try check("treeSum of Int64", values.count)
        try base.treeSum(&values)
    }

    package func librarySum(_ values: inout MutableSpan<Float>) throws(MPIError) {
        try check("librarySum", values.count)
        try base.librarySum(&values)
    }

    package func duplicate() throws(MPIError) -> any Communicator {
        try check("duplicate")
        return CheckedCommunicator(try base.duplicate())
    }

    package func broadcast<Element: MessageElement>(
        _ values: inout MutableSpan<Element>, from root: Int
    ) throws(MPIError) {
        try check("broadcast of \(Element.self) from rank \(root)", values.count)
        try base.broadcast(&values, from: root)
    }

    package func allGather<Element: MessageElement>(
        _ values: Span<Element>, counts: [Int]
    ) throws(MPIError) -> [Element] {
        try check("allGather of \(Element.self)", counts.reduce(0) { ($0 &* 31) &+ $1 })
        return try base.allGather(values, counts: counts)
    }

    package func maximum(_ value: Int) throws(MPIError) -> Int {
        try check("maximum")
        return try base.maximum(value)
    }

    package func barrier() throws(MPIError) {
        try check("barrier")
        try base.barrier()
    }

    package func finish() throws(MPIError) {
        try check("finish")
        try base.finish()
    }

    package func beginAlone() { state.withLock { $0.alone += 1 } }

    package func endAlone() { state.withLock { $0.alone -= 1 } }

    package func abort(exitCode: Int32, report: () -> Void) -> Never {
        base.abort(exitCode: exitCode, report: report)
    }

    /// Compares the next call with those of the other ranks.
    ///
    /// - Parameter size: A size that must be the same on all ranks, as the name must be.
    private func check(_ name: String, _ size: Int = 0) throws(MPIError) {
        let (count, hash, isAlone) = state.withLock { state in
            state.count += 1
            for byte in Array("\(name) \(size) \(state.count)".utf8) {
                state.hash = (state.hash ^ UInt64(byte)) &* 0x100_0000_01b3
            }
            return (state.count, state.hash, state.alone > 0)
        }
        guard !isAlone else {
            throw failure(
                name,
                "is called inside 'together', where a rank must not wait for others that may have failed")
        }
        let own = [Int64(bitPattern: hash)]
        let all = try base.allGather(own.span, counts: Array(repeating: 1, count: worldSize))
        guard all.contains(where: { $0 != all[0] }) else { return }
        throw failure(name, try differences(count, "\(name), size \(size)"))
    }

    /// The message that lists what each rank was about to call.
    private func differences(_ count: Int64, _ own: String) throws(MPIError) -> String {
        let most = 128
        var line = Array("\(own), as collective function \(count)\n".utf8.prefix(most - 1))
        if line.last != UInt8(ascii: "\n") { line.append(UInt8(ascii: "\n")) }
        line += Array(repeating: UInt8(ascii: "\n"), count: most - line.count)
        let all = try base.allGather(line.span, counts: Array(repeating: most, count: worldSize))
        let calls = (0..<worldSize).map { rank in
            let text = all[rank * most..<(rank + 1) * most].prefix { $0 != UInt8(ascii: "\n") }
            return "rank \(rank) calls \(String(decoding: text, as: UTF8.self))"
        }
        return "ranks make different collective calls: \(calls.joined(separator: "; "))"
    }

    private func failure(_ name: String, _ message: String) -> MPIError {
        MPIError(function: name, code: Self.code, message: message, rank: rank)
    }
}
