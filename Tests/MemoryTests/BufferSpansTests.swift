import Memory
import Testing

/// Holds buffers as layers do.
private final class Layer {
    let input = Buffer<Float>([1, 2, 3], default: 0)
    var output = Buffer<Float>(zeros: 0)
    var sums = Buffer<Double>([7, 8, 9], default: 0)

    func double(count: Int?) {
        withSpans(input, into: &output, count: count) {
            for i in $1.indices { $1[i] = 2 * $0[i] }
        }
    }

    func addInPlace() { withSpans(into: &sums) { $0[0] += 1 } }

    func countAndSum() {
        withSpans(input, into: &output, count: 1, &sums, count: 2) {
            $1[0] = Float($2.count)
            for i in $0.indices { $2[0] += Double($0[i]) }
        }
    }
}

@Suite(.timeLimit(.minutes(30)))
struct BufferSpansTests {
    @Test func aTargetGrowsToTheCount() {
        let layer = Layer()
        layer.double(count: 3)
        #expect(layer.output.copyToArray() == [2, 4, 6])
    }

    @Test func ofALargerTargetOnlyTheCountIsWritten() {
        let layer = Layer()
        layer.output = Buffer([5, 5, 5], default: 0)
        layer.double(count: 2)
        #expect(layer.output.copyToArray() == [2, 4, 5])
    }

    @Test func withoutACountAllElementsAreWritten() {
        let layer = Layer()
        layer.output = Buffer([5, 5, 5], default: 0)
        layer.double(count: nil)
        #expect(layer.output.copyToArray() == [2, 4, 6])
    }

    @Test func withoutACountATargetKeepsItsContents() {
        let layer = Layer()
        layer.addInPlace()
        #expect(layer.sums.copyToArray() == [8, 8, 9])
    }

    @Test func twoTargetsHaveTheirOwnCounts() {
        let layer = Layer()
        layer.countAndSum()
        #expect(layer.output.copyToArray() == [2])
        #expect(layer.sums.copyToArray() == [13, 8, 9])
    }
}
