internal import Files
internal import Glibc
internal import Synchronization

/// Keeps a bounded number of files open for all datasets of the process; closes the least recently
/// used file to open another one.
///
/// A read of an open file takes no lock. A thread also opens a file without holding the lock,
/// because opening takes long on network file systems. If more threads read at a time than files
/// may be open, as many files are open as threads read.
package final class DescriptorPool: Sendable {
    /// Half of the descriptors that the process may open: MPI's sockets, logs, checkpoints and
    /// pipes need the rest. More than 4,096 would gain nothing, and the search for the oldest
    /// descriptor would take longer than opening a file.
    package static let shared = DescriptorPool(limit: min(max(DescriptorLimit.soft / 2, 1), 4096))

    private struct State {
        var open: [PooledDescriptor] = []
        /// Number of files that threads are opening.
        var openingCount = 0
    }

    package let limit: Int
    private let state = Mutex(State())
    /// Logical clock: twice the number of opens. All uses between two opens get the same odd time,
    /// so that a use does not have to increment a shared counter.
    private let time = Atomic<UInt64>(0)

    /// - Parameter limit: Maximum number of open files, at least 1.
    package init(limit: Int) {
        precondition(limit >= 1, "a pool of \(limit) descriptors")
        self.limit = limit
    }

    /// Number of open files.
    package var openCount: Int { state.withLock(\.open.count) }

    /// Returns the open descriptor, which stays open until its `release`.
    ///
    /// - Parameter open: Opens the file; called without the lock.
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
            // Another thread may have opened the file in the meantime.
            if let other = descriptor.take(at: now) {
                _ = close(number)
                return other
            }
            descriptor.open(number, at: now)
            $0.open.append(descriptor)
            return number
        }
    }

    /// Closes the idle descriptor that has been unused for longest.
    ///
    /// - Returns: `false` if all are in use, or none is open.
    func closeOldest() -> Bool { state.withLock { closeOldest(&$0) } }

    /// Closes a descriptor that will not be used again.
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
            // If this fails, a thread has taken the descriptor in the meantime.
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
