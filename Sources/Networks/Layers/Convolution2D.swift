internal import Kernels
internal import Memory
internal import Workers

/// A convolution without bias, with the memory of its passes.
final class Convolution2D {
    let shape: ConvolutionShape
    /// The convolution of training passes.
    private let training: Convolution
    /// The convolution of passes with running statistics.
    private let evaluation: Convolution
    /// The range of the weights in the store.
    let weights: Range<Int>
    /// Packed or transformed weights, for the forward pass and for the input's gradient.
    private var panels = Buffer<Float>(zeros: 0)
    private var gradientPanels = Buffer<Float>(zeros: 0)
    /// Shape `[microbatches, parts, R, S, C, K]`.
    private var microbatchGradients = Buffer<Float>(zeros: 0)

    init(
        _ name: String, _ shape: ConvolutionShape, _ selection: PassSelection, initializer: Initializer,
        in store: ParameterStore
    ) {
        self.shape = shape
        training = Convolution(shape, selection.training)
        evaluation = Convolution(shape, selection.evaluation)
        weights = store.parameter(
            "\(name).weight", shape: [shape.outputChannels, shape.channels, shape.kernel, shape.kernel],
            layout: .convolution, initializer)
    }

    private func convolution(_ context: StepContext) -> Convolution {
        context.mode == .training ? training : evaluation
    }

    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - output: Shape `[N, P, Q, K]`, stored as the epilogue says; overwritten.
    ///   - sums: Shape `[N, 2, K]`; overwritten if `epilogue` makes sums.
    func forward(
        _ input: borrowing Prologue, store: ParameterStore, epilogue: borrowing Epilogue,
        into output: inout Buffer<Float>, sums: inout Buffer<Double>, _ context: StepContext
    ) {
        output.reserve(epilogue.storage.floatCount(context.sampleCount * shape.outputCount))
        let input = copy input
        let epilogue = copy epilogue
        var output = output.mutableSpan
        var sums = sums.mutableSpan
        let convolution = convolution(context)
        withSpans(store.values, into: &panels, count: convolution.panelCount) {
            convolution.forward(
                input, weights: $0.extracting(weights), sampleCount: context.sampleCount,
                microbatchSize: context.microbatchSize, epilogue: epilogue, panels: &$1, into: &output,
                sums: &sums, on: context.pool)
        }
    }

    /// Overwrites the weights' part of the store's gradients with the sum over the pass's
    /// microbatches.
    func differentiateWeights(
        _ input: borrowing Prologue, outputGradient: borrowing Prologue, store: ParameterStore,
        _ context: StepContext
    ) {
        let input = copy input
        let outputGradient = copy outputGradient
        let convolution = convolution(context)
        withSpans(into: &microbatchGradients, count: microbatchGradientCount(context)) {
            convolution.weightGradient(
                input, outputGradient: outputGradient, sampleCount: context.sampleCount,
                microbatchSize: context.microbatchSize, into: &$0, on: context.pool)
        }
        sumMicrobatchGradients(store, context)
    }

    /// Like `differentiateWeights`, and overwrites `inputGradient`.
    ///
    /// - Parameters:
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - inputGradient: Shape `[N, H, W, C]`, stored as the epilogue says; the epilogue's addend may lie in its memory.
    ///   - sums: Shape `[N, 2, C]`; overwritten if `epilogue` makes sums.
    func differentiate(
        _ input: borrowing Prologue, outputGradient: borrowing Prologue, store: ParameterStore,
        epilogue: borrowing Epilogue, into inputGradient: inout Buffer<Float>, sums: inout Buffer<Double>,
        _ context: StepContext
    ) {
        let input = copy input
        let outputGradient = copy outputGradient
        let epilogue = copy epilogue
        let convolution = convolution(context)
        withSpans(
            into: &microbatchGradients, count: microbatchGradientCount(context),
            &gradientPanels, count: convolution.panelCount
        ) { microbatches, panels in
            withSpans(
                store.values, into: &inputGradient, count: inputGradientCount(epilogue.storage, context),
                &sums
            ) {
                convolution.gradients(
                    input, outputGradient: outputGradient, weights: $0.extracting(weights),
                    sampleCount: context.sampleCount, microbatchSize: context.microbatchSize,
                    epilogue: epilogue, panels: &panels, intoWeights: &microbatches, intoInput: &$1,
                    sums: &$2, on: context.pool)
            }
        }
        sumMicrobatchGradients(store, context)
    }

    /// Overwrites only `inputGradient`.
    ///
    /// - Parameters:
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - inputGradient: Shape `[N, H, W, C]`, stored as the epilogue says; the epilogue's addend may lie in its memory.
    ///   - sums: Shape `[N, 2, C]`; overwritten if `epilogue` makes sums.
    func differentiateInput(
        _ outputGradient: borrowing Prologue, store: ParameterStore, epilogue: borrowing Epilogue,
        into inputGradient: inout Buffer<Float>, sums: inout Buffer<Double>, _ context: StepContext
    ) {
        let outputGradient = copy outputGradient
        let epilogue = copy epilogue
        var sums = sums.mutableSpan
        let convolution = convolution(context)
        withSpans(
            store.values, into: &gradientPanels, count: convolution.panelCount,
            &inputGradient, count: inputGradientCount(epilogue.storage, context)
        ) {
            convolution.inputGradient(
                outputGradient, weights: $0.extracting(weights), sampleCount: context.sampleCount,
                microbatchSize: context.microbatchSize, epilogue: epilogue, panels: &$1, into: &$2,
                sums: &sums, on: context.pool)
        }
    }

    private func sumMicrobatchGradients(_ store: ParameterStore, _ context: StepContext) {
        withSpans(microbatchGradients, into: &store.gradients) {
            var own = $1.part(weights)
            sumMicrobatches(
                $0, microbatchCount: context.placement.microbatches.count, parts: parts(context),
                into: &own, on: context.pool)
        }
        store.complete(weights, context)
    }
}

// MARK: - Memory

extension Convolution2D {
    /// Floats of scratch memory that a pass needs for each worker.
    func scratchCount(_ context: StepContext) -> Int {
        convolution(context).scratchCount(
            sampleCount: context.sampleCount, microbatchSize: context.microbatchSize,
            threads: context.pool.threads)
    }

    /// Elements of one weight gradient for each of the rank's microbatches.
    private func microbatchGradientCount(_ context: StepContext) -> Int {
        guard context.mode == .training else { return 0 }
        return context.placement.microbatches.count * parts(context) * shape.weightCount
    }

    private func inputGradientCount(_ storage: MapStorage, _ context: StepContext) -> Int {
        storage.floatCount(context.sampleCount * shape.inputCount)
    }

    private func parts(_ context: StepContext) -> Int {
        convolution(context).gradientParts(microbatchSize: context.microbatchSize)
    }

    /// Begins the memory of the forward pass's packed weights.
    func planPanels(_ plan: inout MemoryPlan, _ context: StepContext) -> MemoryPlan.Tensor {
        plan.begin(convolution(context).panelCount) { [unowned self] in panels = $0 }
    }

    /// Begins the memory of the packed weights for the input's gradient.
    func planGradientPanels(_ plan: inout MemoryPlan, _ context: StepContext) -> MemoryPlan.Tensor {
        plan.begin(convolution(context).panelCount) { [unowned self] in gradientPanels = $0 }
    }

    /// Begins the memory of the microbatches' weight gradients.
    func planWeightGradients(_ plan: inout MemoryPlan, _ context: StepContext) -> MemoryPlan.Tensor {
        plan.begin(microbatchGradientCount(context)) { [unowned self] in microbatchGradients = $0 }
    }
}
