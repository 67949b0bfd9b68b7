import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct WeightOrderTests {
    /// Whole 16×16 squares, a first layer with three channels, and an output count that is no
    /// multiple of sixteen.
    @Test(arguments: [
        WeightOrder(outputs: 16, inputs: 16, taps: 1), WeightOrder(outputs: 48, inputs: 32, taps: 9),
        WeightOrder(outputs: 64, inputs: 3, taps: 49), WeightOrder(outputs: 10, inputs: 16, taps: 9),
    ])
    func putsEachNumberInItsPlaceAndBack(order: WeightOrder) {
        let torch = testValues(count: order.count, stream: 0)
        var own = [Float](repeating: .nan, count: order.count)
        var ownSpan = own.mutableSpan
        order.arrange(torch.span, into: &ownSpan)
        for output in 0..<order.outputs {
            for input in 0..<order.inputs {
                for tap in 0..<order.taps {
                    let value = own[(tap * order.inputs + input) * order.outputs + output]
                    guard value == torch[(output * order.inputs + input) * order.taps + tap] else {
                        Issue.record("output \(output), input \(input), tap \(tap) of \(order) is \(value)")
                        return
                    }
                }
            }
        }
        var back = [Float](repeating: .nan, count: order.count)
        var backSpan = back.mutableSpan
        order.restore(own.span, into: &backSpan)
        #expect(back == torch)
    }
}
