import Kernels
import TestSupport
import Testing
import Workers

/// What the algorithms of 14-bit integers compute; `ConvolutionTests` has all shapes and passes.
@Suite(.timeLimit(.minutes(30)))
struct IntegerConvolutionTests {
    private func forward(
        _ shape: ConvolutionShape, _ algorithm: ConvolutionAlgorithm, _ input: [Float], _ weights: [Float]
    ) -> [Float] {
        let convolution = Convolution(shape, algorithm: algorithm)
        var panels = [Float](repeating: .nan, count: convolution.panelCount)
        var panelSpan = panels.mutableSpan
        var sums = MutableSpan<Double>()
        let samples = input.count / shape.inputCount
        return overwritten(samples * shape.outputCount) {
            convolution.forward(
                Prologue(input.span), weights: weights.span, sampleCount: samples, microbatchSize: samples,
                epilogue: Epilogue(), panels: &panelSpan, into: &$0, sums: &sums,
                on: WorkerPool(threads: 1))
        }
    }

    /// Chunks of 32 inner elements have exact integer sums; blocks of 512 have scales of their own.
    @Test(arguments: [(3, 3, 7, 1), (16, 3, 20, 2), (48, 1, 33, 1), (17, 3, 16, 1), (176, 3, 16, 2)])
    func everyResultHasTheBitsOfThePlainTwin(channels: Int, kernel: Int, outputs: Int, stride: Int) {
        let shape = ConvolutionShape(
            height: 5, width: 6, channels: channels, outputChannels: outputs, kernel: kernel, stride: stride,
            padding: kernel / 2)
        let input = testValues(count: 2 * shape.inputCount, stream: 1)
        let weights = testValues(count: shape.weightCount, stream: 2)
        let found = forward(shape, .tiledInt14, input, weights)
        let columns = (0..<outputs).map { k in
            plainInt14Blocks((0..<shape.patchCount).map { weights[$0 * outputs + k] })
        }
        for place in 0..<2 * shape.outputPositions {
            let (sample, position) = place.quotientAndRemainder(dividingBy: shape.outputPositions)
            let patch = plainInt14Blocks(
                plainPatch(
                    input, shape, sample: sample, row: position / shape.outputWidth,
                    column: position % shape.outputWidth))
            for k in 0..<outputs {
                let expected = plainInt14Product(patch, columns[k])
                #expect(found[place * outputs + k].bitPattern == expected.bitPattern)
            }
        }
    }

    /// Relative errors on values of few and of many magnitudes.
    @Test(arguments: [ConvolutionAlgorithm.tiledInt14, .winogradInt14], [false, true])
    func errorsStaySmallOnHardValues(algorithm: ConvolutionAlgorithm, isHeavyTailed: Bool) {
        let shape = ConvolutionShape(
            height: 8, width: 8, channels: 64, outputChannels: 32, kernel: 3, padding: 1)
        func values(_ count: Int, _ stream: Int) -> [Float] {
            let plain = testValues(count: count, stream: stream)
            // Powers of values near 0 and 1: the largest is a hundred times the median.
            return isHeavyTailed ? plain.map { $0 * $0 * $0 * $0 * $0 } : plain
        }
        let (input, weights) = (values(shape.inputCount, 1), values(shape.weightCount, 2))
        let expected = plainConvolution(input.doubles, weights: weights.doubles, shape)
        #expect(relativeError(forward(shape, algorithm, input, weights), expected) < 2.5e-3)
    }

    @Test(arguments: [ConvolutionAlgorithm.tiledInt14, .winogradInt14], [Float.infinity, -.infinity, .nan])
    func whatIsNotFiniteMakesItsResultsNaN(algorithm: ConvolutionAlgorithm, value: Float) {
        let shape = ConvolutionShape(
            height: 12, width: 12, channels: 16, outputChannels: 16, kernel: 3, padding: 1)
        var input = testValues(count: shape.inputCount, stream: 1)
        input[(5 * 12 + 5) * 16 + 3] = value
        let found = forward(shape, algorithm, input, testValues(count: shape.weightCount, stream: 2))
        for i in found.indices {
            let (y, x) = (i / 16 / 12, i / 16 % 12)
            // Winograd's tiles of 4×4 outputs read 6×6 inputs.
            if (4...6).contains(y) && (4...6).contains(x) { #expect(found[i].isNaN) }
            if y >= 8 || x >= 8 { #expect(found[i].isFinite) }
        }
    }

    /// Zeros, values near the largest and the least ones, and whole rows of equal values.
    @Test(arguments: [ConvolutionAlgorithm.tiledInt14, .winogradInt14])
    func scalesReachAllMagnitudes(algorithm: ConvolutionAlgorithm) {
        let shape = ConvolutionShape(
            height: 6, width: 6, channels: 32, outputChannels: 16, kernel: 3, padding: 1)
        let weights = testValues(count: shape.weightCount, stream: 2)
        let input = testValues(count: shape.inputCount, stream: 1)
        let plain = forward(shape, algorithm, input, weights)
        #expect(forward(shape, algorithm, input.map { _ in 0 }, weights).allSatisfy { $0 == 0 })
        for exponent in [-90, -40, 60, 110] {
            // A power of two changes only exponents.
            let factor = Float(sign: .plus, exponent: exponent, significand: 1)
            let scaled = forward(shape, algorithm, input.map { $0 * factor }, weights)
            #expect(firstDifferentBits(scaled, plain.map { $0 * factor }) == nil, "2^\(exponent)")
        }
        let tiny = forward(shape, algorithm, input.map { $0 * 0x1p-126 }, weights)
        #expect(tiny.allSatisfy { $0.magnitude < 0x1p-115 })
        let full = [Float](repeating: 1.9999999, count: shape.inputCount)
        let expected = plainConvolution(full.doubles, weights: weights.doubles, shape)
        #expect(relativeError(forward(shape, algorithm, full, weights), expected) < 2e-3)
    }
}
