import Kernels
import TestSupport
import Testing
import Workers

/// Height, width, channels, kernel, stride, padding.
private let shapes = [
    (1, 1, 1, 3, 2, 1), (2, 5, 3, 3, 2, 1), (7, 9, 17, 3, 2, 1), (8, 8, 64, 3, 2, 1), (16, 13, 16, 3, 2, 1),
    (6, 4, 3, 2, 2, 0), (5, 7, 1, 2, 2, 1), (9, 6, 5, 3, 1, 1), (7, 7, 3, 2, 3, 0), (5, 5, 2, 5, 1, 2),
].map {
    ConvolutionShape(
        height: $0.0, width: $0.1, channels: $0.2, outputChannels: $0.2, kernel: $0.3, stride: $0.4,
        padding: $0.5)
}

@Suite(.timeLimit(.minutes(30)))
struct MaxPoolingTests {
    private static let samples = 3

    /// Both implementations only select values, so they agree to the bit.
    @Test(arguments: shapes, [1, 2])
    func outputsAndGradientsMatchThePlainTwin(shape: ConvolutionShape, threads: Int) {
        let input = testValues(count: Self.samples * shape.inputCount, stream: 1)
        expectThePlainTwin(input, shape, threads: threads)
    }

    /// Values −1, 0 and 1, so nearly every window contains its largest value more than once.
    @Test(arguments: shapes)
    func ofEqualInputsTheFirstGetsTheGradient(shape: ConvolutionShape) {
        let input = testLabels(count: Self.samples * shape.inputCount, classes: 3, stream: 1)
        expectThePlainTwin(input.map { Float($0) - 1 }, shape, threads: 2)
    }

    @Test func paddingIsNeverTheLargest() {
        let shape = ConvolutionShape(
            height: 3, width: 3, channels: 1, outputChannels: 1, kernel: 3, stride: 2, padding: 1)
        let input: [Float] = [-9, -8, -7, -6, -5, -4, -3, -2, -.infinity]
        #expect(pooled(input, shape, threads: 1).output == [-5, -4, -2, -2])
    }

    @Test func aNotANumberShows() {
        let shape = ConvolutionShape(
            height: 2, width: 4, channels: 1, outputChannels: 1, kernel: 2, stride: 2)
        let output = pooled([1, .nan, 3, 4, 5, 2, 7, 8], shape, threads: 1).output
        #expect(output[0].isNaN)
        #expect(output[1] == 8)
    }

    /// Gradients are multiples of 1/8 below 2⁸, so their sums are exact whatever the order.
    private func expectThePlainTwin(_ input: [Float], _ shape: ConvolutionShape, threads: Int) {
        let expected = plainMaxPool(input.doubles, shape)
        let (output, choices) = pooled(input, shape, threads: threads)
        #expect(output.doubles == expected.output)
        let gradient = testLabels(count: output.count, classes: 1000, stream: 2).map { Float($0) / 8 - 60 }
        let inputGradient = overwritten(input.count) {
            maxPoolGradient(
                gradient.span, choices: choices.span, shape, into: &$0, on: WorkerPool(threads: threads))
        }
        let expectedGradient = plainMaxPoolGradient(
            gradient.doubles, places: expected.places, inputCount: input.count)
        #expect(inputGradient.doubles == expectedGradient)
    }

    private func pooled(
        _ input: [Float], _ shape: ConvolutionShape, threads: Int
    ) -> (output: [Float], choices: [UInt8]) {
        let count = input.count / shape.inputCount * shape.outputCount
        var choices = [UInt8](repeating: 255, count: count)
        let output = overwritten(count) {
            var span = choices.mutableSpan
            maxPool(input.span, shape, into: &$0, choices: &span, on: WorkerPool(threads: threads))
        }
        return (output, choices)
    }
}
