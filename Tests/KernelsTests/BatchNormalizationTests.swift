import Kernels
import TestSupport
import Testing
import Workers

/// Two groups: three samples, and one sample as the last group of a short batch.
private let groups = SampleGroups(size: 3, sampleCount: 4, firstSample: 0)
private let samples = groups.sampleCount

@Suite(.timeLimit(.minutes(30)))
struct BatchNormalizationTests {
    @Test(arguments: [16, 48], [2, 9, 16])
    func valuesAreNormalisedByTheirGroup(channels: Int, positions: Int) {
        let example = Example(channels: channels, positions: positions)
        let output = overwritten(example.input.count) {
            store(
                Prologue(
                    normalized: MapSpan(example.input.span), coefficients: example.coefficients.span,
                    groups: groups,
                    appliesReLU: true),
                example.shape, into: &$0, on: WorkerPool(threads: 2))
        }
        #expect(relativeError(output, plainReLU(example.normalized)) < 1e-6)
    }

    @Test(arguments: [16, 48], [2, 9, 16])
    func aResidualIsAddedBeforeTheReLU(channels: Int, positions: Int) {
        let example = Example(channels: channels, positions: positions)
        let residual = testValues(count: example.input.count, stream: 5)
        let output = overwritten(example.input.count) {
            combine(
                Prologue(
                    normalized: MapSpan(example.input.span), coefficients: example.coefficients.span,
                    groups: groups,
                    appliesReLU: false),
                adding: Prologue(residual.span), appliesReLU: true, example.shape, into: &$0,
                on: WorkerPool(threads: 2))
        }
        let sum = zip(example.normalized, residual).map { $0 + Double($1) }
        #expect(relativeError(output, plainReLU(sum)) < 1e-6)
    }

    @Test(arguments: [16, 48], [2, 9])
    func aNormalisedResidualIsAddedToo(channels: Int, positions: Int) {
        let example = Example(channels: channels, positions: positions)
        let output = overwritten(example.input.count) {
            let prologue = Prologue(
                normalized: MapSpan(example.input.span), coefficients: example.coefficients.span,
                groups: groups,
                appliesReLU: false)
            combine(
                prologue, adding: prologue, appliesReLU: false, example.shape, into: &$0,
                on: WorkerPool(threads: 1))
        }
        #expect(relativeError(output, example.normalized.map { 2 * $0 }) < 1e-6)
    }

    @Test(arguments: [16, 48], [2, 9, 16])
    func aGradientIsMaskedAndSummedSampleBySample(channels: Int, positions: Int) {
        let example = Example(channels: channels, positions: positions)
        let original = testValues(count: example.input.count, stream: 6)
        let masked = zip(original.doubles, example.normalized).map { $1 > 0 ? $0 : 0 }
        let reluOutput = example.normalized.map { Float(max($0, 0)) }
        for isByReLU in [false, true] {
            var gradient = original
            var span = gradient.mutableSpan
            let sums = overwrittenDoubles(samples * 2 * channels) {
                maskGradient(
                    &span,
                    epilogue: isByReLU
                        ? Epilogue(
                            maskingByReLU: MapSpan(reluOutput.span), normalized: MapSpan(example.input.span))
                        : Epilogue(
                            maskingBy: MapSpan(example.input.span), coefficients: example.coefficients.span,
                            groups: groups),
                    example.shape, sums: &$0, on: WorkerPool(threads: 2))
            }
            #expect(gradient.doubles == masked)
            #expect(relativeError(sums, example.sums(of: masked)) < 1e-14)
        }
        let products = overwrittenDoubles(samples * 2 * channels) {
            sumGradientProducts(
                MapSpan(original.span), normalized: MapSpan(example.input.span), example.shape, into: &$0,
                on: WorkerPool(threads: 2))
        }
        #expect(relativeError(products, example.sums(of: original.doubles)) < 1e-14)
    }
}

/// A fused prologue or epilogue must give the same results as separate passes over memory.
@Suite(.timeLimit(.minutes(30)))
struct FusionTests {
    /// A 3×3 convolution, which supports all algorithms, and strided ones, whose input gradients
    /// decompose into phases.
    private static let shapes = [
        ConvolutionShape(height: 7, width: 6, channels: 16, outputChannels: 32, kernel: 3, padding: 1),
        ConvolutionShape(
            height: 7, width: 6, channels: 32, outputChannels: 16, kernel: 3, stride: 2, padding: 1),
        ConvolutionShape(height: 6, width: 5, channels: 16, outputChannels: 16, kernel: 1, stride: 2),
    ]

    /// Each shape with the algorithms that can compute it.
    private static let cases = shapes.flatMap { shape in
        (Convolution.algorithms(for: shape) + Convolution.mixedAlgorithms(for: shape)).map { (shape, $0) }
    }

    private func tolerance(_ algorithm: ConvolutionAlgorithm) -> Double {
        [.winogradInt14, .tiledInt14].contains(algorithm) ? 3e-3 : 4e-6
    }

    @Test func everyAlgorithmIsAmongTheCases() {
        #expect(Set(Self.cases.map(\.1)) == Set(ConvolutionAlgorithm.allCases))
        #expect(Self.cases.count == 12)
    }

    @Test(arguments: cases)
    func aPrologueNormalisesOnTheWay(shape: ConvolutionShape, algorithm: ConvolutionAlgorithm) {
        let example = Example(channels: shape.channels, positions: shape.height * shape.width)
        let weights = testValues(count: shape.weightCount, stream: 2)
        let reluOutput = example.normalized.map { max($0, 0) }
        let expected = plainConvolution(reluOutput, weights: weights.doubles, shape)
        let (output, sums) = run(shape, algorithm, output: shape.outputCount, channels: shape.outputChannels)
        {
            convolution, panels, output, sums in
            convolution.forward(
                Prologue(
                    normalized: MapSpan(example.input.span), coefficients: example.coefficients.span,
                    groups: groups,
                    appliesReLU: true),
                weights: weights.span, sampleCount: samples, microbatchSize: 3, epilogue: .moments(),
                panels: &panels,
                into: &output, sums: &sums, on: WorkerPool(threads: 2))
        }
        #expect(relativeError(output, expected) < tolerance(algorithm))
        let own = Example.sums(of: expected, times: expected, channels: shape.outputChannels)
        #expect(relativeError(sums, own) < tolerance(algorithm))
    }

    @Test(arguments: cases)
    func aKnownNormalisationIsFolded(shape: ConvolutionShape, algorithm: ConvolutionAlgorithm) {
        let input = testValues(count: samples * shape.inputCount, stream: 1)
        let weights = testValues(count: shape.weightCount, stream: 2)
        let coefficients = testValues(count: 2 * shape.outputChannels, stream: 3)
        let residual = testValues(count: samples * shape.outputCount, stream: 4)
        let convolved = plainConvolution(input.doubles, weights: weights.doubles, shape)
        let expected = convolved.indices.map { i in
            let k = i % shape.outputChannels
            return max(
                convolved[i] * Double(coefficients[k]) + Double(coefficients[shape.outputChannels + k])
                    + Double(residual[i]), 0)
        }
        let (output, _) = run(shape, algorithm, output: shape.outputCount, channels: shape.outputChannels) {
            convolution, panels, output, sums in
            convolution.forward(
                Prologue(input.span), weights: weights.span, sampleCount: samples, microbatchSize: 3,
                epilogue: Epilogue(
                    normalizing: coefficients.span, appliesReLU: true, adding: MapSpan(residual.span)),
                panels: &panels, into: &output, sums: &sums, on: WorkerPool(threads: 2))
        }
        #expect(relativeError(output, expected) < tolerance(algorithm))
    }

    @Test(arguments: cases)
    func gradientsAreCombinedOnTheWayAndMaskedAtItsEnd(
        shape: ConvolutionShape, algorithm: ConvolutionAlgorithm
    ) {
        let example = Example(channels: shape.channels, positions: shape.height * shape.width)
        let weights = testValues(count: shape.weightCount, stream: 2)
        let gradient = testValues(count: samples * shape.outputCount, stream: 7)
        let convolved = testValues(count: samples * shape.outputCount, stream: 8)
        let addend = testValues(count: samples * shape.inputCount, stream: 9)
        let combination = testValues(count: groups.count * 3 * shape.outputChannels, stream: 10)
        let combined = gradient.indices.map { i in
            let sample = i / shape.outputCount
            let first = groups.group(of: sample) * 3 * shape.outputChannels + i % shape.outputChannels
            return Double(combination[first]) * Double(gradient[i])
                + Double(combination[first + shape.outputChannels]) * Double(convolved[i])
                + Double(combination[first + 2 * shape.outputChannels])
        }
        let inputGradient = plainConvolutionInputGradient(combined, weights: weights.doubles, shape)
        let expected = inputGradient.indices.map { i in
            example.normalized[i] > 0 ? inputGradient[i] + Double(addend[i]) : 0
        }
        let (output, sums) = run(shape, algorithm, output: shape.inputCount, channels: shape.channels) {
            convolution, panels, output, sums in
            convolution.inputGradient(
                Prologue(
                    gradient: MapSpan(gradient.span), ofNormalized: MapSpan(convolved.span),
                    coefficients: combination.span,
                    groups: groups),
                weights: weights.span, sampleCount: samples, microbatchSize: 3,
                epilogue: Epilogue(
                    maskingBy: MapSpan(example.input.span), coefficients: example.coefficients.span,
                    groups: groups,
                    adding: MapSpan(addend.span)),
                panels: &panels, into: &output, sums: &sums, on: WorkerPool(threads: 2))
        }
        #expect(relativeError(output, expected) < tolerance(algorithm))
        #expect(relativeError(sums, example.sums(of: expected)) < max(tolerance(algorithm), 1e-5))
    }

    /// Runs a pass into memory that is filled with NaN.
    private func run(
        _ shape: ConvolutionShape, _ algorithm: ConvolutionAlgorithm, output count: Int, channels: Int,
        _ body: (
            Convolution, inout MutableSpan<Float>, inout MutableSpan<Float>, inout MutableSpan<Double>
        ) -> Void
    ) -> (output: [Float], sums: [Double]) {
        let convolution = Convolution(shape, algorithm: algorithm)
        var panels = [Float](repeating: .nan, count: convolution.panelCount)
        var output = [Float](repeating: .nan, count: samples * count)
        var sums = [Double](repeating: .nan, count: samples * 2 * channels)
        var panelSpan = panels.mutableSpan
        var outputSpan = output.mutableSpan
        var sumSpan = sums.mutableSpan
        body(convolution, &panelSpan, &outputSpan, &sumSpan)
        return (output, sums)
    }
}

/// Values, their coefficients per group, and the results of the plain formula.
private struct Example {
    let shape: MapShape
    var channels: Int { shape.channels }
    let input: [Float]
    /// Shape `[groups, 2, C]`.
    let coefficients: [Float]
    let normalized: [Double]

    init(channels: Int, positions: Int) {
        shape = MapShape(sampleCount: samples, channels: channels, positions: positions)
        let input = testValues(count: samples * positions * channels, stream: 1, offset: 1)
        let coefficients = testValues(count: groups.count * 2 * channels, stream: 2)
        normalized = input.indices.map { i in
            let first = groups.group(of: i / (positions * channels)) * 2 * channels + i % channels
            return Double(input[i]) * Double(coefficients[first]) + Double(coefficients[first + channels])
        }
        self.input = input
        self.coefficients = coefficients
    }

    /// Shape `[N, 2, C]`: sums of a gradient and of its products with the input.
    func sums(of gradient: [Double]) -> [Double] {
        Self.sums(of: gradient, times: input.doubles, channels: channels)
    }

    static func sums(of values: [Double], times factors: [Double], channels: Int) -> [Double] {
        let count = values.count / samples
        var sums = [Double](repeating: 0, count: samples * 2 * channels)
        for i in values.indices {
            let first = i / count * 2 * channels + i % channels
            sums[first] += values[i]
            sums[first + channels] += values[i] * factors[i]
        }
        return sums
    }
}
