import Kernels
import TestSupport
import Testing
import Workers

private let shapes = [(1, 1, 1, 1), (5, 3, 3, 7), (4, 4, 16, 32), (7, 8, 17, 17)].map {
    ConvolutionShape(height: $0.0, width: $0.1, channels: $0.2, outputChannels: $0.3, kernel: 1, stride: 2)
}

@Suite(.timeLimit(.minutes(30)))
struct ChannelPaddingTests {
    @Test(arguments: shapes)
    func matchesThePlainTwin(shape: ConvolutionShape) {
        let input = testValues(count: 3 * shape.inputCount, stream: 1)
        let output = overwritten(3 * shape.outputCount) {
            subsampleAndPadChannels(input.span, shape, into: &$0, on: WorkerPool(threads: 2))
        }
        #expect(output.doubles == plainSubsampleAndPadChannels(input.doubles, shape))
    }

    /// The map is linear, so its gradient is its adjoint: ⟨forward(x), g⟩ = ⟨x, gradient(g)⟩.
    @Test(arguments: shapes)
    func theGradientIsAddedAndIsTheAdjoint(shape: ConvolutionShape) {
        let input = testValues(count: 3 * shape.inputCount, stream: 1)
        let gradient = testValues(count: 3 * shape.outputCount, stream: 2)
        let before = [Float](repeating: 1, count: input.count)
        var sum = before
        var span = sum.mutableSpan
        accumulateSubsampledGradient(gradient.span, shape, into: &span, on: WorkerPool(threads: 2))
        let forward = innerProduct(
            plainSubsampleAndPadChannels(input.doubles, shape), gradient.doubles)
        let backward = innerProduct(input.doubles, zip(sum, before).map { Double($0) - Double($1) })
        // Adding to 1 rounds each gradient by up to 2⁻²⁴ of 2.
        #expect(abs(forward - backward) < 1.2e-7 * Double(input.count) + 1e-6)
        #expect(sum != before)
    }
}
