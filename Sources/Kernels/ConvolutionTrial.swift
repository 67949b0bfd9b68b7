internal import Workers

/// One convolution's inputs, random numbers: for its three passes by any path, and to see how exact these were.
///
/// They are read as in training, through the coefficients of a normalisation, which change no value here.
struct ConvolutionTrial: ~Copyable {
    /// What the passes overwrite.
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

    /// Room for the results of every path.
    func makeResults() -> Results {
        let convolutions = Convolution.paths(for: shape).map { Convolution(shape, path: $0) }
        let panels = convolutions.map(\.panelCount)
        let parts = convolutions.map { $0.gradientParts(laneSize: images) * shape.weightCount }
        return Results(
            panels: Buffer(zeros: panels.max() ?? 0), sums: Buffer(zeros: images * 2 * shape.outputChannels),
            output: Buffer(zeros: images * shape.outputCount),
            inputGradient: Buffer(zeros: images * shape.inputCount),
            parts: Buffer(zeros: parts.max() ?? 0), weightGradient: Buffer(zeros: shape.weightCount))
    }

    /// All three passes; the images are one lane.
    func run(_ path: ConvolutionPath, into results: inout Results, on pool: WorkerPool) {
        let convolution = Convolution(shape, path: path)
        forward(convolution, &results.panels, into: &results.output, sums: &results.sums, on: pool)
        backward(
            convolution, output: results.output, &results.panels, into: &results.inputGradient,
            &results.parts, on: pool)
        sum(
            results.parts, parts: convolution.gradientParts(laneSize: images), into: &results.weightGradient,
            on: pool)
    }

    private func forward(
        _ convolution: Convolution, _ panels: inout Buffer<Float>, into output: inout Buffer<Float>,
        sums: inout Buffer<Double>, on pool: WorkerPool
    ) {
        let input = Operand(
            normalized: input.span, coefficients: inputCoefficients.span, groups: .one, rectifies: false)
        var panels = panels.mutableSpan
        var usedPanels = panels.part(0..<convolution.panelCount)
        var output = output.mutableSpan
        var sums = sums.mutableSpan
        convolution.forward(
            input, weights: weights.span, sampleCount: images, laneSize: images, epilogue: .moments(),
            panels: &usedPanels, into: &output, sums: &sums, on: pool)
    }

    private func backward(
        _ convolution: Convolution, output: borrowing Buffer<Float>, _ panels: inout Buffer<Float>,
        into inputGradient: inout Buffer<Float>, _ parts: inout Buffer<Float>, on pool: WorkerPool
    ) {
        let input = Operand(
            normalized: input.span, coefficients: inputCoefficients.span, groups: .one, rectifies: false)
        let gradient = Operand(
            gradient: outputGradient.span, ofNormalized: output.span, coefficients: gradientCoefficients.span,
            groups: .one)
        var panels = panels.mutableSpan
        var usedPanels = panels.part(0..<convolution.panelCount)
        var inputGradient = inputGradient.mutableSpan
        var noSums = MutableSpan<Double>()
        var parts = parts.mutableSpan
        convolution.gradients(
            input, outputGradient: gradient, weights: weights.span, sampleCount: images, laneSize: images,
            epilogue: Epilogue(), panels: &usedPanels, intoWeights: &parts, intoInput: &inputGradient,
            sums: &noSums, on: pool)
    }

    private func sum(
        _ lanes: borrowing Buffer<Float>, parts: Int, into gradient: inout Buffer<Float>, on pool: WorkerPool
    ) {
        let lanes = lanes.span
        var gradient = gradient.mutableSpan
        sumLanes(lanes, laneCount: 1, parts: parts, into: &gradient, on: pool)
    }

    /// The relative rms difference of `results` from double precision, the largest of the three passes.
    ///
    /// - Parameter samples: How many elements of each result are computed again.
    func relativeError(of results: borrowing Results, samples: Int) -> Double {
        let direct = DirectConvolution(
            shape: shape, images: images, input: input.span, weights: weights.span,
            outputGradient: outputGradient.span)
        return max(
            difference(results.output.span, samples) { direct.output($0) },
            difference(results.inputGradient.span, samples) { direct.inputGradient($0) },
            difference(results.weightGradient.span, samples) { direct.weightGradient($0) })
    }

    private func difference(_ found: Span<Float>, _ samples: Int, _ expected: (Int) -> Double) -> Double {
        var random = RandomStream(seed: 0, purpose: .test)
        var error = 0.0
        var size = 0.0
        for _ in 0..<samples {
            let index = random.integer(below: found.count)
            let value = expected(index)
            error += (Double(found[index]) - value) * (Double(found[index]) - value)
            size += value * value
        }
        return size > 0 ? (error / size).squareRoot() : error.squareRoot()
    }
}

/// Uniform in ±1; the numbers repeat, at a distance that is a multiple of no number of channels.
private func randomValues(count: Int, stream: Int) -> Buffer<Float> {
    var random = RandomStream(seed: 0, purpose: .test, stream)
    let numbers = (0..<min(count, 8191)).map { _ in 2 * random.uniform() - 1 }
    var values = Buffer<Float>(zeros: count)
    var span = values.mutableSpan
    for i in span.indices { span[i] = numbers[i % 8191] }
    return values
}

/// Coefficients that leave values as they are: a row of ones, the others 0.
private func onesAndZeros(_ channels: Int, rows: Int) -> Buffer<Float> {
    Buffer((0..<rows * channels).map { $0 < channels ? 1 : 0 }, default: 0)
}
