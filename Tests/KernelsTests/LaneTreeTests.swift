import Kernels
import Testing

@Suite(.timeLimit(.minutes(30)))
struct LaneTreeTests {
    @Test(arguments: [1, 2, 4, 8], [0, 1, 2, 3, 5, 8, 13])
    func ranksCoverTheLanesInOrder(worldSize: Int, lanes: Int) {
        expectCover(LaneTree(sampleCount: lanes * 4, laneSize: 4), worldSize: worldSize)
    }

    @Test(arguments: [3, 5, 6, 7], [0, 1, 3, 8, 13])
    func otherWorldsCoverTheLanesEvenly(worldSize: Int, lanes: Int) {
        let tree = LaneTree(sampleCount: lanes * 4, laneSize: 4)
        expectCover(tree, worldSize: worldSize)
        let counts = (0..<worldSize).map { tree.lanes(ofRank: $0, worldSize: worldSize).count }
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }

    @Test(arguments: [1, 2, 4], [0, 1, 2, 3, 5, 8, 13])
    func aRanksNodeSplitsIntoThoseOfTwoRanksInAWorldTwiceAsLarge(worldSize: Int, lanes: Int) {
        let tree = LaneTree(sampleCount: lanes, laneSize: 1)
        for rank in 0..<worldSize {
            let node = tree.lanes(ofRank: rank, worldSize: worldSize)
            let middle = LaneTree.middle(of: node)
            let left = tree.lanes(ofRank: 2 * rank, worldSize: 2 * worldSize)
            let right = tree.lanes(ofRank: 2 * rank + 1, worldSize: 2 * worldSize)
            #expect(left == node.lowerBound..<middle)
            #expect(right == middle..<node.upperBound)
        }
    }

    /// Part of the mathematics: of an odd number of lanes the first half has one more.
    @Test func theFirstHalfIsTheLarger() {
        #expect([1, 2, 3, 4, 5, 7].map { LaneTree.middle(of: 0..<$0) } == [1, 1, 2, 2, 3, 4])
        #expect(LaneTree.middle(of: 3..<8) == 6)
    }

    @Test func onlyPowersOfTwoAreExact() {
        #expect((0...16).filter { LaneTree.isExact(worldSize: $0) } == [1, 2, 4, 8, 16])
    }

    @Test func theLastLaneOfAShortBatchIsShort() {
        let tree = LaneTree(sampleCount: 10, laneSize: 4)
        #expect(tree.laneCount == 3)
        #expect(tree.samples(inLanes: 0..<2) == 0..<8)
        #expect(tree.samples(inLanes: 2..<3) == 8..<10)
        #expect(tree.samples(inLanes: 3..<3).isEmpty)
    }

    @Test func treesOfEqualBatchesAreEqual() {
        #expect(LaneTree(sampleCount: 10, laneSize: 4) == LaneTree(sampleCount: 10, laneSize: 4))
        #expect(LaneTree(sampleCount: 10, laneSize: 4) != LaneTree(sampleCount: 11, laneSize: 4))
        #expect(LaneTree(sampleCount: 10, laneSize: 4) != LaneTree(sampleCount: 10, laneSize: 5))
    }

    private func expectCover(_ tree: LaneTree, worldSize: Int) {
        let ranges = (0..<worldSize).map { tree.lanes(ofRank: $0, worldSize: worldSize) }
        #expect(ranges.flatMap(Array.init) == Array(0..<tree.laneCount))
        let samples = ranges.flatMap { Array(tree.samples(inLanes: $0)) }
        #expect(samples == Array(0..<tree.sampleCount))
    }
}
