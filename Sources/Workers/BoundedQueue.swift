internal import Foundation

/// A first-in, first-out queue between threads that holds at most `capacity` values.
///
/// `send` waits while the queue is full and `receive` while it is empty, so memory use is bounded
/// and neither side runs ahead of the other. `close` ends both sides.
///
/// `@unchecked Sendable`: all state is read and written under `condition`.
package final class BoundedQueue<Value: Sendable>: @unchecked Sendable {
    private let capacity: Int
    private let condition = NSCondition()
    private var values: [Value] = []
    private var isClosed = false
    private var waitingSenders = 0

    package init(capacity: Int) {
        precondition(capacity >= 1, "capacity is \(capacity), expected 1 or more")
        self.capacity = capacity
    }

    /// Appends `value`; waits while the queue is full.
    ///
    /// - Returns: `false` if the queue is closed; the value is then discarded.
    package func send(_ value: sending Value) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        if values.count >= capacity && !isClosed {
            waitingSenders += 1
            condition.broadcast()
            while values.count >= capacity && !isClosed { condition.wait() }
            waitingSenders -= 1
        }
        if isClosed { return false }
        values.append(value)
        condition.broadcast()
        return true
    }

    /// Removes and returns the first value; waits while the queue is empty.
    ///
    /// - Returns: `nil` once the queue is closed and empty.
    package func receive() -> Value? {
        condition.lock()
        defer { condition.unlock() }
        while values.isEmpty && !isClosed { condition.wait() }
        guard !values.isEmpty else { return nil }
        let value = values.removeFirst()
        condition.broadcast()
        return value
    }

    /// Returns once the queue is full and a sender is waiting, or once the queue is closed.
    package func waitUntilOverfull() {
        condition.lock()
        defer { condition.unlock() }
        while !(values.count >= capacity && waitingSenders > 0) && !isClosed { condition.wait() }
    }

    /// Refuses further values; `receive` still returns the values in the queue.
    package func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}
