internal import Files
internal import Glibc
internal import Synchronization

/// Keeps a bounded number of files open, for all datasets of the process: the one that was least recently used is closed for another.
///
/// A read of an open file takes no lock. A thread that needs a file opens it without the lock, too, as network file systems take their
/// time. If more threads read at a time than files may be open, there are as many files open as threads.
package final class DescriptorPool: Sendable {
    /// Half of what the process may open: MPI's sockets, logs, checkpoints and pipes need the rest. More than 4,096 would gain nothing,
    /// and the search for the oldest one would take longer than opening a file.
    package static let shared = DescriptorPool(limit: min(max(DescriptorLimit.soft / 2, 1), 4096))

    private struct State {
        var open: [PooledDescriptor] = []
        /// Files that threads are opening.
        var openingCount = 0
    }

    package let limit: Int
    private let state = Mutex(State())
    /// Twice the number of openings; uses between two of them are of one odd time, so that a use costs no shared counter.
    private let time = Atomic<UInt64>(0)

    /// - Parameter limit: Files that are open at a time, from 1.
    package init(limit: Int) {
        precondition(limit >= 1, "a pool of \(limit) descriptors")
        self.limit = limit
    }

    /// Files that are open.
    package var openCount: Int { state.withLock(\.open.count) }

    /// The open descriptor, which stays open until its `release`.
    ///
    /// - Parameter open: Opens it; called without a lock.
    func take(
        _ descriptor: PooledDescriptor, open: () throws(DatasetError) -> Int32
    ) throws(DatasetError) -> Int32 {
        if let number = descriptor.take(at: time.load(ordering: .relaxed) | 1) { return number }
        state.withLock {
            while $0.open.count + $0.openingCount >= limit && closeOldest(&$0) {}
            $0.openingCount += 1
        }
        let number: Int32
        do throws(DatasetError) {
            number = try open()
        } catch {
            state.withLock { $0.openingCount -= 1 }
            throw error
        }
        return state.withLock {
            $0.openingCount -= 1
            let now = time.add(2, ordering: .relaxed).newValue
            // Another thread may have opened the file meanwhile.
            if let other = descriptor.take(at: now) {
                _ = close(number)
                return other
            }
            descriptor.open(number, at: now)
            $0.open.append(descriptor)
            return number
        }
    }

    /// Closes the descriptor that has been unused for longest.
    ///
    /// - Returns: `false` if all are in use, or none is open.
    func closeOldest() -> Bool { state.withLock { closeOldest(&$0) } }

    /// Closes a descriptor that nobody will use again.
    func remove(_ descriptor: PooledDescriptor) {
        state.withLock {
            guard let index = $0.open.firstIndex(where: { $0 === descriptor }), descriptor.closeIfIdle()
            else {
                return
            }
            $0.open.swapAt(index, $0.open.count - 1)
            $0.open.removeLast()
        }
    }

    private func closeOldest(_ state: inout State) -> Bool {
        while let index = oldestIdle(state.open) {
            // Otherwise a thread has taken it meanwhile.
            guard state.open[index].closeIfIdle() else { continue }
            state.open.swapAt(index, state.open.count - 1)
            state.open.removeLast()
            return true
        }
        return false
    }

    private func oldestIdle(_ open: [PooledDescriptor]) -> Int? {
        var oldest: (index: Int, age: UInt64)?
        for (index, descriptor) in open.enumerated() where descriptor.isIdle {
            let age = descriptor.age
            if oldest.map({ age < $0.age }) ?? true { oldest = (index, age) }
        }
        return oldest?.index
    }
}
