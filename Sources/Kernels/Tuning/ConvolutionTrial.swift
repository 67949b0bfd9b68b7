internal import Memory
internal import Numerics
internal import Workers

/// Random inputs of one convolution, to time its three passes with any algorithm and to measure
/// their error.
///
/// As in training, inputs are read through the coefficients of a normalisation, which is the
/// identity here.
struct ConvolutionTrial: ~Copyable {
    /// The buffers that the passes overwrite.
    struct Results: ~Copyable {
        var panels: Buffer<Float>
        /// Shape `[N, 2, K]`.
        var sums: Buffer<Double>
        /// Shape `[N, P, Q, K]`.
        var output: Buffer<Float>
        /// Shape `[N, H, W, C]`.
        var inputGradient: Buffer<Float>
        /// Shape `[gradientParts, R, S, C, K]`.
        var parts: Buffer<Float>
        /// Shape `[R, S, C, K]`.
        var weightGradient: Buffer<Float>
    }

    private let shape: ConvolutionShape
    private let images: Int
    private let input: Buffer<Float>
    private let weights: Buffer<Float>
    private let outputGradient: Buffer<Float>
    private let inputCoefficients: Buffer<Float>
    private let gradientCoefficients: Buffer<Float>

    init(_ shape: ConvolutionShape, images: Int) {
        self.shape = shape
        self.images = images
        input = randomValues(count: images * shape.inputCount, stream: 1)
        weights = randomValues(count: shape.weightCount, stream: 2)
        outputGradient = randomValues(count: images * shape.outputCount, stream: 3)
        inputCoefficients = onesAndZeros(shape.channels, rows: 2)
        gradientCoefficients = onesAndZeros(shape.outputChannels, rows: 3)
    }

    /// Allocates buffers that are large enough for every algorithm.
    func makeResults() -> Results {
        let convolutions = Convolution.algorithms(for: shape).map { Convolution(shape, algorithm: $0) }
        let panels = convolutions.map(\.panelCount)
        let parts = convolutions.map { $0.gradientParts(microbatchSize: images) * shape.weightCount }
        return Results(
            panels: Buffer(zeros: panels.max() ?? 0), sums: Buffer(zeros: images * 2 * shape.outputChannels),
            output: Buffer(zeros: images * shape.outputCount),
            inputGradient: Buffer(zeros: images * shape.inputCount),
            parts: Buffer(zeros: parts.max() ?? 0), weightGradient: Buffer(zeros: shape.weightCount))
    }

    /// Runs all three passes; the images are one microbatch.
    func run(_ algorithm: ConvolutionAlgorithm, into results: inout Results, on pool: WorkerPool) {
        let convolution = Convolution(shape, algorithm: algorithm)
        forward(convolution, &results.panels, into: &results.output, sums: &results.sums, on: pool)
        backward(
            convolution, output: results.output, &results.panels, into: &results.inputGradient,
            &results.parts, on: pool)
        let parts = convolution.gradientParts(microbatchSize: images)
        withSpans(results.parts, into: &results.weightGradient) {
            sumMicrobatches($0, microbatchCount: 1, parts: parts, into: &$1, on: pool)
        }
    }

    private func forward(
        _ convolution: Convolution, _ panels: inout Buffer<Float>, into output: inout Buffer<Float>,
        sums: inout Buffer<Double>, on pool: WorkerPool
    ) {
        let input = Prologue(
            normalized: MapSpan(input.span), coefficients: inputCoefficients.span, groups: .one,
            appliesReLU: false)
        var panels = panels.mutableSpan
        var usedPanels = panels.part(0..<convolution.panelCount)
        var output = output.mutableSpan
        var sums = sums.mutableSpan
        convolution.forward(
            input, weights: weights.span, sampleCount: images, microbatchSize: images, epilogue: .moments(),
            panels: &usedPanels, into: &output, sums: &sums, on: pool)
    }

    private func backward(
        _ convolution: Convolution, output: borrowing Buffer<Float>, _ panels: inout Buffer<Float>,
        into inputGradient: inout Buffer<Float>, _ parts: inout Buffer<Float>, on pool: WorkerPool
    ) {
        let input = Prologue(
            normalized: MapSpan(input.span), coefficients: inputCoefficients.span, groups: .one,
            appliesReLU: false)
        let gradient = Prologue(
            gradient: MapSpan(outputGradient.span), ofNormalized: MapSpan(output.span),
            coefficients: gradientCoefficients.span,
            groups: .one)
        var panels = panels.mutableSpan
        var usedPanels = panels.part(0..<convolution.panelCount)
        var inputGradient = inputGradient.mutableSpan
        var noSums = MutableSpan<Double>()
        var parts = parts.mutableSpan
        convolution.gradients(
            input, outputGradient: gradient, weights: weights.span, sampleCount: images,
            microbatchSize: images,
            epilogue: Epilogue(), panels: &usedPanels, intoWeights: &parts, intoInput: &inputGradient,
            sums: &noSums, on: pool)
    }

    /// The relative RMS error of `results` against double precision, the largest of the three
    /// passes.
    ///
    /// - Parameter samples: Number of elements of each result that are recomputed in double
    ///   precision.
    func relativeError(of results: borrowing Results, samples: Int) -> Double {
        let direct = DirectConvolution(
            shape: shape, images: images, input: input.span, weights: weights.span,
            outputGradient: outputGradient.span)
        return max(
            direct.relativeError(of: results.output.span, .forward, samples: samples),
            direct.relativeError(of: results.inputGradient.span, .inputGradient, samples: samples),
            direct.relativeError(of: results.weightGradient.span, .weightGradient, samples: samples))
    }
}

/// Uniform values in ±1. They repeat after 8191, a prime, so the period is a multiple of no channel
/// count.
private func randomValues(count: Int, stream: Int) -> Buffer<Float> {
    var random = RandomStream(seed: 0, purpose: .test, stream)
    let numbers = (0..<min(count, 8191)).map { _ in 2 * random.uniform() - 1 }
    var values = Buffer<Float>(zeros: count)
    var span = values.mutableSpan
    for i in span.indices { span[i] = numbers[i % 8191] }
    return values
}

/// Coefficients of the identity: a row of ones, the others 0.
private func onesAndZeros(_ channels: Int, rows: Int) -> Buffer<Float> {
    Buffer((0..<rows * channels).map { $0 < channels ? 1 : 0 }, default: 0)
}
