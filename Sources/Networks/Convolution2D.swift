internal import Kernels
internal import Memory
internal import Workers

/// A convolution without bias.
struct Convolution2D: Sendable {
    let shape: ConvolutionShape
    private let convolution: Convolution
    private let weights: Range<Int>

    init(
        _ name: String, _ shape: ConvolutionShape, _ selection: AlgorithmSelection, initializer: Initializer,
        in store: ParameterStore
    ) {
        self.shape = shape
        convolution = Convolution(shape, selection)
        weights = store.parameter(
            "\(name).weight", shape: [shape.outputChannels, shape.channels, shape.kernel, shape.kernel],
            layout: .convolution, initializer)
    }

    /// Floats of scratch memory that a pass needs for each worker.
    func scratchCount(_ context: StepContext) -> Int {
        convolution.scratchCount(
            sampleCount: context.sampleCount, microbatchSize: context.microbatchSize,
            threads: context.pool.threads)
    }
    /// Elements of the packed weights.
    var panelCount: Int { convolution.panelCount }
    /// Elements of one weight gradient for each of the rank's microbatches.
    func microbatchGradientCount(_ context: StepContext) -> Int {
        guard context.mode == .training else { return 0 }
        return context.placement.microbatches.count * parts(context) * shape.weightCount
    }
    private func parts(_ context: StepContext) -> Int {
        convolution.gradientParts(microbatchSize: context.microbatchSize)
    }

    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - output: Shape `[N, P, Q, K]`; overwritten.
    ///   - sums: Shape `[N, 2, K]`; overwritten if `epilogue` makes sums.
    func forward(
        _ input: borrowing Prologue, parameters: borrowing Buffer<Float>, epilogue: borrowing Epilogue,
        panels: inout Buffer<Float>, into output: inout Buffer<Float>, sums: inout Buffer<Double>,
        _ context: StepContext
    ) {
        output.reserve(context.sampleCount * shape.outputCount)
        panels.reserve(panelCount)
        let weights = parameters.span.extracting(weights)
        var panels = panels.mutableSpan
        var usedPanels = panels.part(0..<panelCount)
        var output = output.mutableSpan
        var sums = sums.mutableSpan
        convolution.forward(
            input, weights: weights, sampleCount: context.sampleCount, microbatchSize: context.microbatchSize,
            epilogue: epilogue,
            panels: &usedPanels, into: &output, sums: &sums, on: context.pool)
    }

    /// Overwrites the weights' part of the store's gradients with the sum over the pass's
    /// microbatches.
    ///
    /// - Parameter microbatches: Memory for one gradient per microbatch; overwritten.
    func weightGradient(
        _ input: borrowing Prologue, outputGradient: borrowing Prologue, store: ParameterStore,
        microbatches: inout Buffer<Float>, _ context: StepContext
    ) {
        microbatches.reserve(microbatchGradientCount(context))
        var whole = microbatches.mutableSpan
        var used = whole.part(0..<microbatchGradientCount(context))
        convolution.weightGradient(
            input, outputGradient: outputGradient, sampleCount: context.sampleCount,
            microbatchSize: context.microbatchSize,
            into: &used, on: context.pool)
        sum(used.span, into: &store.gradients, context)
        store.complete(weights, context)
    }

    /// Like `weightGradient`, and overwrites `inputGradient`.
    ///
    /// - Parameters:
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - inputGradient: Shape `[N, H, W, C]`; overwritten.
    ///   - sums: Shape `[N, 2, C]`; overwritten if `epilogue` makes sums.
    func gradients(
        _ input: borrowing Prologue, outputGradient: borrowing Prologue, store: ParameterStore,
        epilogue: borrowing Epilogue, microbatches: inout Buffer<Float>, panels: inout Buffer<Float>,
        into inputGradient: inout Buffer<Float>, sums: inout Buffer<Double>, _ context: StepContext
    ) {
        inputGradient.reserve(context.sampleCount * shape.inputCount)
        panels.reserve(panelCount)
        microbatches.reserve(microbatchGradientCount(context))
        var wholeMicrobatches = microbatches.mutableSpan
        var usedMicrobatches = wholeMicrobatches.part(0..<microbatchGradientCount(context))
        var wholePanels = panels.mutableSpan
        var usedPanels = wholePanels.part(0..<panelCount)
        var inputGradient = inputGradient.mutableSpan
        var sums = sums.mutableSpan
        convolution.gradients(
            input, outputGradient: outputGradient, weights: store.values.span.extracting(weights),
            sampleCount: context.sampleCount, microbatchSize: context.microbatchSize, epilogue: epilogue,
            panels: &usedPanels,
            intoWeights: &usedMicrobatches, intoInput: &inputGradient, sums: &sums, on: context.pool)
        sum(usedMicrobatches.span, into: &store.gradients, context)
        store.complete(weights, context)
    }

    /// Overwrites only `inputGradient`.
    ///
    /// - Parameters:
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - inputGradient: Shape `[N, H, W, C]`; overwritten.
    ///   - sums: Shape `[N, 2, C]`; overwritten if `epilogue` makes sums.
    func inputGradient(
        _ outputGradient: borrowing Prologue, parameters: borrowing Buffer<Float>,
        epilogue: borrowing Epilogue, panels: inout Buffer<Float>, into inputGradient: inout Buffer<Float>,
        sums: inout Buffer<Double>, _ context: StepContext
    ) {
        let weights = parameters.span.extracting(weights)
        inputGradient.reserve(context.sampleCount * shape.inputCount)
        panels.reserve(panelCount)
        var wholePanels = panels.mutableSpan
        var usedPanels = wholePanels.part(0..<panelCount)
        var inputGradient = inputGradient.mutableSpan
        var sums = sums.mutableSpan
        convolution.inputGradient(
            outputGradient, weights: weights, sampleCount: context.sampleCount,
            microbatchSize: context.microbatchSize,
            epilogue: epilogue, panels: &usedPanels, into: &inputGradient, sums: &sums, on: context.pool)
    }

    private func sum(_ microbatches: Span<Float>, into gradients: inout Buffer<Float>, _ context: StepContext)
    {
        var all = gradients.mutableSpan
        var own = all.part(weights)
        sumMicrobatches(
            microbatches, microbatchCount: context.placement.microbatches.count, parts: parts(context),
            into: &own, on: context.pool)
    }
}
