import Foundation
import Synchronization
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct BoundedQueueTests {
    @Test(arguments: [1, 3, 2000]) func keepsTheOrderBetweenThreads(capacity: Int) {
        let queue = BoundedQueue<Int>(capacity: capacity)
        Thread.detachNewThread {
            for value in 0..<1000 { _ = queue.send(value) }
            queue.close()
        }
        var received: [Int] = []
        while let value = queue.receive() { received.append(value) }
        #expect(received == Array(0..<1000))
    }

    @Test(arguments: [1, 4]) func holdsNoMoreThanItsCapacity(capacity: Int) {
        let queue = BoundedQueue<Int>(capacity: capacity)
        let sent = Mutex(0)
        let received = Mutex(0)
        Thread.detachNewThread {
            for value in 0..<500 {
                _ = queue.send(value)
                sent.withLock { $0 += 1 }
            }
            queue.close()
        }
        while queue.receive() != nil {
            let taken = received.withLock {
                $0 += 1
                return $0
            }
            #expect(sent.withLock { $0 } <= taken + capacity)
        }
        #expect(received.withLock { $0 } == 500)
    }

    @Test func aClosedQueueGivesWhatWaitsAndTakesNothing() {
        let queue = BoundedQueue<String>(capacity: 3)
        #expect(queue.send("first"))
        #expect(queue.send("second"))
        queue.close()
        #expect(!queue.send("third"))
        #expect(queue.receive() == "first")
        #expect(queue.receive() == "second")
        #expect(queue.receive() == nil)
        #expect(queue.receive() == nil)
    }

    @Test func closingWakesAWaitingSender() async {
        let queue = BoundedQueue<Int>(capacity: 1)
        #expect(queue.send(0))
        let wasTaken = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: queue.send(1)) }
            Thread.detachNewThread { queue.close() }
        }
        #expect(!wasTaken)
    }

    /// Besides the received values, `capacity` values are in the queue and the sender waits with
    /// one more.
    @Test(arguments: [1, 3]) func anOverfullQueueIsNoticed(capacity: Int) {
        let queue = BoundedQueue<Int>(capacity: capacity)
        let begun = Mutex(0)
        Thread.detachNewThread {
            for value in 0..<10 {
                begun.withLock { $0 += 1 }
                _ = queue.send(value)
            }
        }
        for taken in 0..<3 {
            queue.waitUntilOverfull()
            #expect(begun.withLock { $0 } == taken + capacity + 1)
            #expect(queue.receive() == taken)
        }
        queue.close()
    }

    @Test func closingEndsTheWaitForAnOverfullQueue() {
        let queue = BoundedQueue<Int>(capacity: 2)
        Thread.detachNewThread {
            _ = queue.send(1)
            queue.close()
        }
        queue.waitUntilOverfull()
        #expect(queue.receive() == 1)
    }

    @Test func closingWakesAWaitingReceiver() async {
        let queue = BoundedQueue<Int>(capacity: 1)
        let value = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: queue.receive()) }
            Thread.detachNewThread { queue.close() }
        }
        #expect(value == nil)
    }
}
