import Kernels
import Networks
import Testing

@Suite(.timeLimit(.minutes(30)))
struct BatchPlacementTests {
    @Test(arguments: [1, 2, 3, 4, 8])
    func ranksHoldAllSamplesInOrder(worldSize: Int) {
        let samples = (0..<worldSize).flatMap { rank in
            Array(
                BatchPlacement(sampleCount: 45, microbatchSize: 8, rank: rank, worldSize: worldSize).samples)
        }
        #expect(samples == Array(0..<45))
    }

    @Test func withoutAGroupSizeTheBatchIsOneGroup() {
        let placement = BatchPlacement(sampleCount: 45, microbatchSize: 8, rank: 1, worldSize: 2)
        #expect(placement.groups == SampleGroups(size: 45, sampleCount: 45, firstSample: 24))
        #expect(placement.groups.count == 1)
    }

    @Test func groupsAreThoseOfTheGlobalBatch() {
        let placement = BatchPlacement(sampleCount: 45, microbatchSize: 8, group: 16, rank: 1, worldSize: 2)
        #expect(placement.samples == 24..<45)
        #expect(placement.groups.count == 3)
        #expect(placement.groups.group(of: 0) == 1)
        #expect(placement.groups.group(of: 8) == 2)
    }

    @Test(arguments: [1, 2, 3, 4]) func accumulationStepsHoldARanksSamplesInOrder(worldSize: Int) {
        for rank in 0..<worldSize {
            let whole = BatchPlacement(sampleCount: 90, microbatchSize: 8, rank: rank, worldSize: worldSize)
            for accumulationSteps in [1, 2, 4, 16] {
                let parts = (0..<accumulationSteps).flatMap {
                    Array(
                        BatchPlacement(
                            sampleCount: 90, microbatchSize: 8, rank: rank, worldSize: worldSize,
                            accumulationStep: $0,
                            accumulationSteps: accumulationSteps
                        ).samples)
                }
                #expect(parts == Array(whole.samples))
            }
        }
    }

    /// 64 samples in 8 microbatches.
    @Test(arguments: [(group: 8, most: 8), (16, 4), (32, 2), (64, 1), (0, 1), (24, 1)])
    func aGroupIsNotCut(group: Int, most: Int) {
        #expect(
            BatchPlacement.accumulationSteps(
                upTo: 1024, sampleCount: 64, microbatchSize: 8, group: group, worldSize: 1)
                == most)
        let onTwo = BatchPlacement.accumulationSteps(
            upTo: 1024, sampleCount: 64, microbatchSize: 8, group: group, worldSize: 2)
        #expect(onTwo == max(most / 2, 1))
        #expect(
            BatchPlacement.accumulationSteps(
                upTo: 2, sampleCount: 64, microbatchSize: 8, group: group, worldSize: 1)
                == min(most, 2))
    }
}
