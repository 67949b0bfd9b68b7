import Numerics
import Testing

@Suite(.timeLimit(.minutes(30)))
struct ReductionTreeTests {
    @Test(arguments: [1, 2, 4, 8], [0, 1, 2, 3, 5, 8, 13])
    func ranksCoverTheMicrobatchesInOrder(worldSize: Int, microbatches: Int) {
        expectCover(ReductionTree(sampleCount: microbatches * 4, microbatchSize: 4), worldSize: worldSize)
    }

    @Test(arguments: [3, 5, 6, 7], [0, 1, 3, 8, 13])
    func otherWorldsCoverTheMicrobatchesEvenly(worldSize: Int, microbatches: Int) {
        let tree = ReductionTree(sampleCount: microbatches * 4, microbatchSize: 4)
        expectCover(tree, worldSize: worldSize)
        let counts = (0..<worldSize).map { tree.microbatches(ofRank: $0, worldSize: worldSize).count }
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }

    @Test(arguments: [1, 2, 4], [0, 1, 2, 3, 5, 8, 13])
    func aRanksNodeSplitsIntoThoseOfTwoRanksInAWorldTwiceAsLarge(worldSize: Int, microbatches: Int) {
        let tree = ReductionTree(sampleCount: microbatches, microbatchSize: 1)
        for rank in 0..<worldSize {
            let node = tree.microbatches(ofRank: rank, worldSize: worldSize)
            let middle = ReductionTree.middle(of: node)
            let left = tree.microbatches(ofRank: 2 * rank, worldSize: 2 * worldSize)
            let right = tree.microbatches(ofRank: 2 * rank + 1, worldSize: 2 * worldSize)
            #expect(left == node.lowerBound..<middle)
            #expect(right == middle..<node.upperBound)
        }
    }

    /// Part of the mathematics: with an odd number of microbatches the first half has one more.
    @Test func theFirstHalfIsTheLarger() {
        #expect([1, 2, 3, 4, 5, 7].map { ReductionTree.middle(of: 0..<$0) } == [1, 1, 2, 2, 3, 4])
        #expect(ReductionTree.middle(of: 3..<8) == 6)
    }

    @Test func onlyPowersOfTwoAreExact() {
        #expect((0...16).filter { ReductionTree.isExact(worldSize: $0) } == [1, 2, 4, 8, 16])
    }

    @Test func theLastMicrobatchOfAShortBatchIsShort() {
        let tree = ReductionTree(sampleCount: 10, microbatchSize: 4)
        #expect(tree.microbatchCount == 3)
        #expect(tree.samples(inMicrobatches: 0..<2) == 0..<8)
        #expect(tree.samples(inMicrobatches: 2..<3) == 8..<10)
        #expect(tree.samples(inMicrobatches: 3..<3).isEmpty)
    }

    @Test func treesOfEqualBatchesAreEqual() {
        #expect(
            ReductionTree(sampleCount: 10, microbatchSize: 4)
                == ReductionTree(sampleCount: 10, microbatchSize: 4))
        #expect(
            ReductionTree(sampleCount: 10, microbatchSize: 4)
                != ReductionTree(sampleCount: 11, microbatchSize: 4))
        #expect(
            ReductionTree(sampleCount: 10, microbatchSize: 4)
                != ReductionTree(sampleCount: 10, microbatchSize: 5))
    }

    private func expectCover(_ tree: ReductionTree, worldSize: Int) {
        let ranges = (0..<worldSize).map { tree.microbatches(ofRank: $0, worldSize: worldSize) }
        #expect(ranges.flatMap(Array.init) == Array(0..<tree.microbatchCount))
        let samples = ranges.flatMap { Array(tree.samples(inMicrobatches: $0)) }
        #expect(samples == Array(0..<tree.sampleCount))
    }
}
