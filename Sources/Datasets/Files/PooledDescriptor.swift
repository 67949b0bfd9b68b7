internal import Glibc
internal import Synchronization

/// A file descriptor that its pool may close while no thread uses it.
final class PooledDescriptor: Sendable {
    /// Number of threads that use the descriptor; −1 while it is closed.
    private let users = Atomic<Int>(-1)
    private let number = Atomic<Int32>(-1)
    private let lastUse = Atomic<UInt64>(0)

    /// The pool's time of the last use.
    var age: UInt64 { lastUse.load(ordering: .relaxed) }

    var isIdle: Bool { users.load(ordering: .relaxed) == 0 }

    /// Keeps the descriptor open until `release`; `nil` if it is closed.
    func take(at time: UInt64) -> Int32? {
        var count = users.load(ordering: .relaxed)
        while count >= 0 {
            let (isTaken, found) = users.weakCompareExchange(
                expected: count, desired: count + 1, successOrdering: .acquiring, failureOrdering: .relaxed)
            if isTaken {
                lastUse.store(time, ordering: .relaxed)
                return number.load(ordering: .relaxed)
            }
            count = found
        }
        return nil
    }

    func release() { users.subtract(1, ordering: .releasing) }

    /// Stores an open descriptor, with one user.
    ///
    /// - Precondition: The previous descriptor is closed, and the pool's lock is held.
    func open(_ descriptor: Int32, at time: UInt64) {
        number.store(descriptor, ordering: .relaxed)
        lastUse.store(time, ordering: .relaxed)
        users.store(1, ordering: .releasing)
    }

    /// Closes the descriptor, unless a thread uses it or it is closed.
    func closeIfIdle() -> Bool {
        let (isIdle, _) = users.compareExchange(
            expected: 0, desired: -1, successOrdering: .acquiringAndReleasing, failureOrdering: .relaxed)
        if isIdle { _ = close(number.load(ordering: .relaxed)) }
        return isIdle
    }
}
