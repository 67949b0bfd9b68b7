import Kernels
import Testing

@Suite(.timeLimit(.minutes(30)))
struct SampleGroupsTests {
    @Test func theLastGroupOfAShortBatchIsShort() {
        let groups = SampleGroups(size: 4, sampleCount: 10, firstSample: 0)
        #expect(groups.count == 3)
        #expect((0..<3).map { groups.sampleCount(in: $0) } == [4, 4, 2])
    }

    @Test func aRanksSamplesAreCountedFromItsFirst() {
        let groups = SampleGroups(size: 4, sampleCount: 10, firstSample: 6)
        #expect((0..<4).map { groups.group(of: $0) } == [1, 1, 2, 2])
    }
}
