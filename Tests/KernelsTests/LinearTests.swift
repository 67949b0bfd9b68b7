import Kernels
import TestSupport
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct LinearTests {
    private static let samples = 7
    private static let microbatchSize = 3

    @Test(arguments: [1, 17, 64], [1, 3, 10])
    func forwardMatchesThePlainTwin(dimension: Int, classes: Int) {
        let input = testValues(count: Self.samples * dimension, stream: 1)
        let weights = testValues(count: classes * dimension, stream: 2)
        let bias = testValues(count: classes, stream: 3)
        let output = overwritten(Self.samples * classes) {
            linear(
                input.span, weights: weights.span, bias: bias.span, microbatchSize: Self.microbatchSize,
                into: &$0,
                on: WorkerPool(threads: 2))
        }
        let expected = plainLinear(input.doubles, weights: weights.doubles, bias: bias.doubles)
        #expect(relativeError(output, expected) < 1e-6)
    }

    @Test(arguments: [1, 17, 64], [1, 3, 10])
    func gradientsMatchThePlainTwin(dimension: Int, classes: Int) {
        let input = testValues(count: Self.samples * dimension, stream: 1)
        let weights = testValues(count: classes * dimension, stream: 2)
        let gradient = testValues(count: Self.samples * classes, stream: 4)
        let pool = WorkerPool(threads: 2)
        let inputGradient = overwritten(input.count) {
            linearInputGradient(
                gradient.span, weights: weights.span, classes: classes, microbatchSize: Self.microbatchSize,
                into: &$0,
                on: pool)
        }
        let expected = plainLinearGradient(
            gradient.doubles, input: input.doubles, weights: weights.doubles, classes: classes)
        #expect(relativeError(inputGradient, expected.input) < 1e-6)

        let count = (dimension + 1) * classes
        let microbatches = overwritten(3 * count) {
            linearWeightGradient(
                input.span, outputGradient: gradient.span, classes: classes, dimension: dimension,
                microbatchSize: Self.microbatchSize, into: &$0, on: pool)
        }
        let sum = (0..<count).map { i in (0..<3).reduce(0) { $0 + Double(microbatches[$1 * count + i]) } }
        #expect(relativeError(sum, expected.weights + expected.bias) < 1e-6)
    }
}
