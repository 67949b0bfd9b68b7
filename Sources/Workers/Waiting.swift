internal import CProcessor
internal import Dispatch
internal import Synchronization

/// How one thread waits for another: awake at first, since most waits are shorter than waking up, then asleep.
final class Waiting: Sendable {
    /// Looks at the condition before the thread sleeps: some 20 µs.
    private static let looks = 1000

    private let isAsleep = Atomic<Bool>(false)
    private let semaphore = DispatchSemaphore(value: 0)

    /// Returns once `isMet`, whose change another thread makes before it calls `notify()`. One thread waits at a time.
    func wait(until isMet: () -> Bool) {
        for _ in 0..<Self.looks {
            if isMet() { return }
            spinPause()
        }
        while !isMet() {
            isAsleep.store(true, ordering: .sequentiallyConsistent)
            // Either this look sees the change, or the one who made it sees that this thread sleeps.
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
