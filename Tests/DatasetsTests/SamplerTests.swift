import Datasets
import Testing

@Suite(.timeLimit(.minutes(30)))
struct SamplerTests {
    @Test(arguments: [
        (0, 1, nil), (1, 1, nil), (2, 1, nil), (97, 1, nil), (1000, 1, nil), (1000, 10, 100), (1003, 10, 95),
        (1003, 7, 7), (64, 100, 3), (10, 3, 10),
    ])
    func everyRecordComesOnce(count: Int, blockSize: Int, window: Int?) {
        let sampler = Sampler(seed: 5, count: count, blockSize: blockSize, window: window)
        for epoch in 0..<3 {
            let order = sampler.order(epoch: epoch)
            #expect((0..<order.count).map(order.record).sorted() == Array(0..<count))
        }
    }

    @Test func theOrderIsAFunctionOfSeedAndEpoch() {
        let first = Sampler(seed: 1, count: 200)
        #expect(first.order(epoch: 3) == Sampler(seed: 1, count: 200).order(epoch: 3))
        #expect(first.order(epoch: 3) != first.order(epoch: 4))
        #expect(first.order(epoch: 3) != Sampler(seed: 2, count: 200).order(epoch: 3))
    }

    @Test func aFullWindowGivesEveryRecordEveryPositionEquallyOften() {
        let count = 8
        let trials = 20_000
        let sampler = Sampler(seed: 11, count: count)
        var table = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
        for epoch in 0..<trials {
            let order = sampler.order(epoch: epoch)
            for position in 0..<count { table[position][order.record(at: position)] += 1 }
        }
        let expected = Double(trials) / Double(count)
        let chiSquare = table.joined().reduce(0.0) {
            $0 + (Double($1) - expected) * (Double($1) - expected) / expected
        }
        // 49 degrees of freedom: 99.9 % of uniform tables are below 85.4, and few below 23.9.
        #expect(chiSquare < 85.4 && chiSquare > 23.9)
    }

    @Test func allPermutationsOfFourComeEquallyOften() {
        let sampler = Sampler(seed: 12, count: 4)
        var counts: [[Int]: Int] = [:]
        for epoch in 0..<24_000 {
            let order = sampler.order(epoch: epoch)
            counts[(0..<4).map(order.record), default: 0] += 1
        }
        #expect(counts.count == 24)
        let chiSquare = counts.values.reduce(0.0) { $0 + (Double($1) - 1000) * (Double($1) - 1000) / 1000 }
        // 23 degrees of freedom, 99.9 %.
        #expect(chiSquare < 49.7)
    }

    @Test func aWindowReadsOnlyItsOwnBlocks() {
        let sampler = Sampler(seed: 3, count: 1000, blockSize: 10, window: 95)
        #expect(sampler.window == 100)
        let order = sampler.order(epoch: 0)
        var visited: Set<Int> = []
        for start in stride(from: 0, to: 1000, by: 100) {
            let blocks = Set((start..<start + 100).map { order.record(at: $0) / 10 })
            #expect(blocks.count == 10)
            #expect(visited.isDisjoint(with: blocks))
            visited.formUnion(blocks)
        }
        #expect(Array(visited).sorted() == Array(0..<100))
    }

    @Test func insideAWindowRecordsAreMixedAcrossBlocks() {
        let order = Sampler(seed: 3, count: 1000, blockSize: 50, window: 500).order(epoch: 0)
        // Without shuffling, the first 50 positions would come from one block.
        #expect(Set((0..<50).map { order.record(at: $0) / 50 }).count >= 8)
    }
}
