internal import CProcessor
internal import Dispatch
internal import Synchronization

/// Lets one thread wait for another: it spins at first, since most waits are shorter than a
/// wake-up, then sleeps.
final class Waiting: Sendable {
    /// Number of spins before the thread sleeps: some 20 µs.
    private static let looks = 1000

    private let isAsleep = Atomic<Bool>(false)
    private let semaphore = DispatchSemaphore(value: 0)

    /// Returns once `isMet` is true. Another thread changes the condition, then calls `notify()`.
    /// Only one thread may wait at a time.
    func wait(until isMet: () -> Bool) {
        for _ in 0..<Self.looks {
            if isMet() { return }
            spinPause()
        }
        while !isMet() {
            isAsleep.store(true, ordering: .sequentiallyConsistent)
            // Either this check sees the change, or the thread that made the change sees
            // `isAsleep`.
            if isMet() {
                if !isAsleep.exchange(false, ordering: .sequentiallyConsistent) { semaphore.wait() }
                return
            }
            semaphore.wait()
        }
    }

    /// Wakes the waiting thread if it sleeps.
    func notify() {
        if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { semaphore.signal() }
    }
}
