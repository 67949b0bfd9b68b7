import Checkpoints
import Testing

@Suite(.timeLimit(.minutes(30)))
struct CheckpointComparisonTests {
    @Test func slotsAreComparedByTheirNames() {
        let first = Samples.checkpoint()
        let tensorCount = first.state.count + first.slots[0].tensors.count
        #expect(CheckpointComparison(first, first).tensorCount == tensorCount)
        var second = first
        second.slots[0].tensors[1].elements[0] += 1
        let comparison = CheckpointComparison(first, second)
        #expect(comparison.differences.map(\.name) == ["momentum/bn1.weight"] && comparison.mismatches == [])
        second.slots[0].name = "mean"
        let other = CheckpointComparison(first, second)
        #expect(other.mismatches.contains("momentum/conv1.weight is only in the first"))
        #expect(other.mismatches.contains("mean/conv1.weight is only in the second"))
        #expect(other.tensorCount == first.state.count)
    }

    @Test func aModelHasTheSameTensorsAsItsCheckpoint() {
        let first = Samples.checkpoint()
        let comparison = CheckpointComparison(first, first.model)
        #expect(comparison.mismatches == [] && comparison.differences == [])
        #expect(comparison.tensorCount == first.state.count)
    }
}
