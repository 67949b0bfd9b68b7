import Kernels
import Numerics
import TestSupport
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct MicrobatchSumsTests {
    @Test(arguments: 1...9, [1, 17, 4097])
    func microbatchesAreSummedByTheTree(microbatches: Int, count: Int) {
        let values = testValues(count: microbatches * count, stream: 1)
        let expected = plainTreeSum(rows(values, count)).bits
        for threads in [1, 2] {
            #expect(sum(values, microbatches: microbatches, count: count, threads: threads).bits == expected)
        }
    }

    @Test(arguments: [1, 2, 4, 8], 1...13)
    func anySplitOverRanksGivesTheSameBits(worldSize: Int, microbatches: Int) {
        let tree = ReductionTree(sampleCount: microbatches, microbatchSize: 1)
        let values = testValues(count: microbatches * 17, stream: 1)
        let ranks = (0..<worldSize).map { rank in
            let own = tree.microbatches(ofRank: rank, worldSize: worldSize)
            let part = Array(values[own.lowerBound * 17..<own.upperBound * 17])
            return sum(part, microbatches: own.count, count: 17, threads: 1)
        }
        #expect(
            plainTreeSum(ranks).bits == sum(values, microbatches: microbatches, count: 17, threads: 1).bits)
    }

    @Test func aRankWithoutMicrobatchesContributesNothingNotEvenToMinusZero() {
        let nothing = sum([], microbatches: 0, count: 3, threads: 1)
        #expect(nothing.bits == [Float](repeating: -0.0, count: 3).bits)
    }

    @Test(arguments: [1, 2, 4, 8], [0..<13, 0..<4, 4..<8, 12..<13])
    func sumsOfAGroupHaveTheSameBitsInAnyWorld(worldSize: Int, group: Range<Int>) {
        let tree = ReductionTree(sampleCount: 13, microbatchSize: 1)
        let values = testValues(count: 13 * 5, stream: 1).doubles.map { $0 / 3 }
        let ranks = (0..<worldSize).map { rank in
            let own = tree.microbatches(ofRank: rank, worldSize: worldSize)
            let common = group.clamped(to: own)
            let part = Array(values[own.lowerBound * 5..<own.upperBound * 5])
            return overwrittenDoubles(5) {
                sumMicrobatches(
                    part.span, microbatchCount: own.count,
                    in: common.lowerBound - own.lowerBound..<common.upperBound - own.lowerBound, into: &$0)
            }
        }
        let whole = overwrittenDoubles(5) {
            sumMicrobatches(values.span, microbatchCount: 13, in: group, into: &$0)
        }
        #expect(plainTreeSum(ranks) == whole)
        let plain = (0..<5).map { i in group.reduce(0) { $0 + values[$1 * 5 + i] } }
        #expect(relativeError(whole, plain) < 1e-14)
    }

    @Test(arguments: [1, 3, 4], [1, 7, 8])
    func samplesAreSummedByATreeInsideEachMicrobatch(microbatchSize: Int, samples: Int) {
        let values = testValues(count: samples * 5, stream: 1).doubles.map { $0 / 3 }
        let microbatches = (samples + microbatchSize - 1) / microbatchSize
        var used = values
        var span = used.mutableSpan
        let sums = overwrittenDoubles(microbatches * 5) {
            sumSamplesInMicrobatches(
                &span, sampleCount: samples, microbatchSize: microbatchSize, count: 5, into: &$0)
        }
        let expected = (0..<microbatches).flatMap { microbatch in
            plainTreeSum(
                Array(
                    rows(values, 5)[
                        microbatch * microbatchSize..<min((microbatch + 1) * microbatchSize, samples)]))
        }
        #expect(sums == expected)
    }

    private func rows<Value>(_ values: [Value], _ count: Int) -> [[Value]] {
        stride(from: 0, to: values.count, by: count).map { Array(values[$0..<$0 + count]) }
    }

    private func sum(_ values: [Float], microbatches: Int, count: Int, threads: Int) -> [Float] {
        overwritten(count) {
            sumMicrobatches(
                values.span, microbatchCount: microbatches, into: &$0, on: WorkerPool(threads: threads))
        }
    }
}
