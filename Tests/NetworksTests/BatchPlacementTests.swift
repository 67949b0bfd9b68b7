import Kernels
import Networks
import Testing

struct BatchPlacementTests {
    @Test(arguments: [1, 2, 3, 4, 8])
    func ranksHoldAllSamplesInOrder(worldSize: Int) {
        let samples = (0..<worldSize).flatMap { rank in
            Array(BatchPlacement(sampleCount: 45, laneSize: 8, rank: rank, worldSize: worldSize).samples)
        }
        #expect(samples == Array(0..<45))
    }

    @Test func withoutAGroupSizeTheBatchIsOneGroup() {
        let placement = BatchPlacement(sampleCount: 45, laneSize: 8, rank: 1, worldSize: 2)
        #expect(placement.groups == SampleGroups(size: 45, sampleCount: 45, firstSample: 24))
        #expect(placement.groups.count == 1)
    }

    @Test func groupsAreThoseOfTheGlobalBatch() {
        let placement = BatchPlacement(sampleCount: 45, laneSize: 8, group: 16, rank: 1, worldSize: 2)
        #expect(placement.samples == 24..<45)
        #expect(placement.groups.count == 3)
        #expect(placement.groups.group(of: 0) == 1)
        #expect(placement.groups.group(of: 8) == 2)
    }
}
