import Kernels
import Testing

@Suite(.timeLimit(.minutes(30)))
struct ReLUTests {
    @Test func valuesBelowZeroBecomeZeroAndPassNoGradient() {
        var values: [Float] = [-1, -0.0, 0, 0.5, 3, -.infinity]
        var span = values.mutableSpan
        relu(&span)
        #expect(values == [0, 0, 0, 0.5, 3, 0])
        var gradient: [Float] = [1, 2, 3, 4, 5, 6]
        var gradientSpan = gradient.mutableSpan
        reluGradient(values.span, &gradientSpan)
        #expect(gradient == [0, 0, 0, 4, 5, 0])
    }

    @Test func aNumberThatIsNoneStaysOne() {
        var values: [Float] = [.nan]
        var span = values.mutableSpan
        relu(&span)
        #expect(values[0].isNaN)
    }
}
