import Kernels
import TestSupport
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct LaneSumsTests {
    @Test(arguments: 1...9, [1, 17, 4097])
    func lanesAreSummedByTheTree(lanes: Int, count: Int) {
        let values = testValues(count: lanes * count, stream: 1)
        let expected = plainTreeSum(rows(values, count)).bits
        for threads in [1, 2] {
            #expect(sum(values, lanes: lanes, count: count, threads: threads).bits == expected)
        }
    }

    @Test(arguments: [1, 2, 4, 8], 1...13)
    func anySplitOverRanksGivesTheSameBits(worldSize: Int, lanes: Int) {
        let tree = LaneTree(sampleCount: lanes, laneSize: 1)
        let values = testValues(count: lanes * 17, stream: 1)
        let ranks = (0..<worldSize).map { rank in
            let own = tree.lanes(ofRank: rank, worldSize: worldSize)
            let part = Array(values[own.lowerBound * 17..<own.upperBound * 17])
            return sum(part, lanes: own.count, count: 17, threads: 1)
        }
        #expect(plainTreeSum(ranks).bits == sum(values, lanes: lanes, count: 17, threads: 1).bits)
    }

    @Test func aRankWithoutLanesContributesNothingNotEvenToMinusZero() {
        let nothing = sum([], lanes: 0, count: 3, threads: 1)
        #expect(nothing.bits == [Float](repeating: -0.0, count: 3).bits)
    }

    @Test(arguments: [1, 2, 4, 8], [0..<13, 0..<4, 4..<8, 12..<13])
    func sumsOfAGroupHaveTheSameBitsInAnyWorld(worldSize: Int, group: Range<Int>) {
        let tree = LaneTree(sampleCount: 13, laneSize: 1)
        let values = testValues(count: 13 * 5, stream: 1).doubles.map { $0 / 3 }
        let ranks = (0..<worldSize).map { rank in
            let own = tree.lanes(ofRank: rank, worldSize: worldSize)
            let common = group.clamped(to: own)
            let part = Array(values[own.lowerBound * 5..<own.upperBound * 5])
            return overwrittenDoubles(5) {
                sumLanes(
                    part.span, laneCount: own.count,
                    in: common.lowerBound - own.lowerBound..<common.upperBound - own.lowerBound, into: &$0)
            }
        }
        let whole = overwrittenDoubles(5) { sumLanes(values.span, laneCount: 13, in: group, into: &$0) }
        #expect(plainTreeSum(ranks) == whole)
        let plain = (0..<5).map { i in group.reduce(0) { $0 + values[$1 * 5 + i] } }
        #expect(relativeError(whole, plain) < 1e-14)
    }

    @Test(arguments: [1, 3, 4], [1, 7, 8])
    func samplesAreSummedByATreeInsideEachLane(laneSize: Int, samples: Int) {
        let values = testValues(count: samples * 5, stream: 1).doubles.map { $0 / 3 }
        let lanes = (samples + laneSize - 1) / laneSize
        var used = values
        var span = used.mutableSpan
        let sums = overwrittenDoubles(lanes * 5) {
            sumSamplesInLanes(&span, sampleCount: samples, laneSize: laneSize, count: 5, into: &$0)
        }
        let expected = (0..<lanes).flatMap { lane in
            plainTreeSum(Array(rows(values, 5)[lane * laneSize..<min((lane + 1) * laneSize, samples)]))
        }
        #expect(sums == expected)
    }

    private func rows<Value>(_ values: [Value], _ count: Int) -> [[Value]] {
        stride(from: 0, to: values.count, by: count).map { Array(values[$0..<$0 + count]) }
    }

    private func sum(_ values: [Float], lanes: Int, count: Int, threads: Int) -> [Float] {
        overwritten(count) {
            sumLanes(values.span, laneCount: lanes, into: &$0, on: WorkerPool(threads: threads))
        }
    }
}
