import Synchronization
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct WorkerPoolTests {
    @Test(arguments: [1, 2, 3, 7], [0, 1, 2, 1000])
    func doesEachItemOnce(threads: Int, count: Int) {
        let pool = WorkerPool(threads: threads)
        let counts = Mutex([Int](repeating: 0, count: count))
        pool.forEach(count) { item in counts.withLock { $0[item] += 1 } }
        #expect(counts.withLock { $0 } == [Int](repeating: 1, count: count))
    }

    @Test(arguments: [1, 2, 5]) func isReusedTenThousandTimes(threads: Int) {
        let pool = WorkerPool(threads: threads)
        let total = Atomic<Int>(0)
        for round in 0..<10_000 {
            pool.forEach(round % 4) { total.add($0 + 1, ordering: .relaxed) }
        }
        // 0, 1, 1 + 2 and 1 + 2 + 3, in turn.
        #expect(total.load(ordering: .relaxed) == 2500 * (0 + 1 + 3 + 6))
    }

    @Test(arguments: [1, 3], [(0, 4), (1, 4), (8, 4), (9, 4), (10, 1), (3, 100)])
    func splitsIntoPartsOfWhichTheLastIsShorter(threads: Int, shape: (count: Int, part: Int)) {
        let pool = WorkerPool(threads: threads)
        var rows = [Int](repeating: -1, count: shape.count)
        var span = rows.mutableSpan
        pool.split(&span, every: shape.part) { index, part in
            for i in part.indices { part[i] = index * 1000 + part.count }
        }
        let expected = (0..<shape.count).map { i in
            let index = i / shape.part
            return index * 1000 + min(shape.part, shape.count - index * shape.part)
        }
        #expect(rows == expected)
    }

    @Test(arguments: [1, 2, 4]) func splitsTwoSpansAlike(threads: Int) {
        let pool = WorkerPool(threads: threads)
        var first = [Float](repeating: 0, count: 11)
        var second = [Int](repeating: 0, count: 6)
        var firstSpan = first.mutableSpan
        var secondSpan = second.mutableSpan
        pool.split(&firstSpan, every: 2, &secondSpan, every: 1) { index, floats, integers in
            for i in floats.indices { floats[i] = Float(index) }
            for i in integers.indices { integers[i] = index }
        }
        #expect(first == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5])
        #expect(second == [0, 1, 2, 3, 4, 5])
    }

    @Test func aLoopWithinALoopStops() async {
        for threads in [1, 2] {
            await #expect(processExitsWith: .failure) { [threads = threads as Int] in
                let pool = WorkerPool(threads: threads)
                pool.forEach(1) { _ in pool.forEach(1, scratch: 8) { _, _ in } }
            }
            // One after the other is fine, and so is one of another pool.
            await #expect(processExitsWith: .success) { [threads = threads as Int] in
                let (pool, other) = (WorkerPool(threads: threads), WorkerPool(threads: 1))
                pool.forEach(1) { _ in other.forEach(1, scratch: 8) { _, _ in } }
                pool.forEach(1, scratch: 16) { _, _ in }
            }
        }
    }

    @Test func splittingTwoSpansIntoDifferentNumbersOfPartsStops() async {
        await #expect(processExitsWith: .failure) {
            var first = [Float](repeating: 0, count: 10)
            var second = [Float](repeating: 0, count: 10)
            var firstSpan = first.mutableSpan
            var secondSpan = second.mutableSpan
            WorkerPool(threads: 1).split(&firstSpan, every: 2, &secondSpan, every: 3) { _, _, _ in }
        }
    }

    @Test(arguments: [1, 2, 4]) func scratchMemoryIsNotShared(threads: Int) {
        let pool = WorkerPool(threads: threads)
        for floats in [1, 100, 5000, 64] {
            let disturbed = Atomic<Int>(0)
            pool.forEach(200, scratch: floats) { item, scratch in
                if scratch.count != floats { disturbed.add(1, ordering: .relaxed) }
                for i in scratch.indices { scratch[i] = Float(item) }
                for i in scratch.indices where scratch[i] != Float(item) {
                    disturbed.add(1, ordering: .relaxed)
                }
            }
            #expect(disturbed.load(ordering: .relaxed) == 0)
        }
    }

    @Test func splitPartsComeWithScratchMemory() {
        let pool = WorkerPool(threads: 2)
        var rows = [Float](repeating: 1, count: 7)
        var span = rows.mutableSpan
        pool.split(&span, every: 3, scratch: 3) { index, part, scratch in
            for i in part.indices { scratch[i] = Float(index + 1) }
            for i in part.indices { part[i] += scratch[i] }
        }
        #expect(rows == [2, 2, 2, 3, 3, 3, 4])
    }
}
