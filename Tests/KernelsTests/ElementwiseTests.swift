import Kernels
import TestSupport
import Testing
import Workers

struct ElementwiseTests {
    @Test(arguments: [1, 17, 16_384, 40_001])
    func accumulateAddsElementByElement(count: Int) {
        let values = testValues(count: count + 3, stream: 1)
        let before = testValues(count: count, stream: 2)
        var sum = before
        var span = sum.mutableSpan
        accumulate(values.span, into: &span, on: WorkerPool(threads: 2))
        #expect(sum == zip(before, values).map { $0 + $1 })
    }
}
