internal import Kernels
internal import Memory
internal import Workers

/// A convolution and its batch normalisation.
final class ConvBN {
    let convolution: Convolution2D
    let normalization: BatchNormalization2D
    /// In training and inspection the convolution's output, with the normalisation's coefficients;
    /// in evaluation finished values.
    let output = Activation()
    /// Gradient of the unit's input, shape `[N, H, W, C]`.
    private(set) var inputGradient = Buffer<Float>(zeros: 0)
    private let appliesReLU: Bool
    /// Packed or transformed weights, for the forward pass and for the input's gradient.
    private var panels = Buffer<Float>(zeros: 0)
    private var gradientPanels = Buffer<Float>(zeros: 0)
    /// Weight gradients of each microbatch.
    private var microbatchGradients = Buffer<Float>(zeros: 0)

    /// - Parameters:
    ///   - names: State-dictionary names of the convolution and of the normalisation.
    ///   - appliesReLU: Whether a ReLU follows directly, before any addition.
    init(
        _ names: (convolution: String, normalization: String), _ shape: ConvolutionShape,
        _ selection: AlgorithmSelection, initializer: Initializer, appliesReLU: Bool, in store: ParameterStore
    ) {
        convolution = Convolution2D(names.convolution, shape, selection, initializer: initializer, in: store)
        normalization = BatchNormalization2D(
            names.normalization, channels: shape.outputChannels, positions: shape.outputPositions, in: store)
        self.appliesReLU = appliesReLU
    }

    /// Sets `output`, whose values stay unnormalised for the backward pass, and its coefficients:
    /// those of the batch statistics, in inspection those of the running statistics.
    func forwardKeeping(
        _ input: Activation, store: ParameterStore, _ context: StepContext
    ) throws {
        try forwardKeeping(
            input.values, input.coefficients, appliesReLU: input.appliesReLU, store: store, context)
    }

    /// The same, with the members of an `Activation` as parameters.
    func forwardKeeping(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        appliesReLU inputHasReLU: Bool, store: ParameterStore, _ context: StepContext
    ) throws {
        normalization.prepare(context)
        withPrologue(values, coefficients, groups: context.placement.groups, appliesReLU: inputHasReLU) {
            convolution.forward(
                $0, parameters: store.values,
                epilogue: context.mode == .training ? .moments() : Epilogue(), panels: &panels,
                into: &output.values, sums: &normalization.sampleSums, context)
        }
        output.appliesReLU = appliesReLU
        if context.mode == .training {
            try normalization.computeBatchStatistics(store: store, into: &output.coefficients, context)
        } else {
            normalization.useRunningStatistics(store, into: &output.coefficients)
        }
    }

    /// Sets `output` to finished values, normalised with the running statistics.
    ///
    /// - Parameters:
    ///   - residual: Added after the normalisation; empty for none.
    ///   - appliesReLU: Whether a ReLU follows.
    func forwardEvaluation(
        _ input: borrowing Buffer<Float>, residual: borrowing Buffer<Float>, appliesReLU: Bool,
        store: ParameterStore, workspace: Workspace, _ context: StepContext
    ) {
        normalization.useRunningStatistics(store, into: &workspace.coefficients)
        convolve(input, workspace.coefficients, residual, appliesReLU: appliesReLU, store, workspace, context)
    }

    private func convolve(
        _ input: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        _ residual: borrowing Buffer<Float>, appliesReLU: Bool, _ store: ParameterStore,
        _ workspace: Workspace,
        _ context: StepContext
    ) {
        let input = input.span
        let coefficients = coefficients.span
        let residual = residual.span
        convolution.forward(
            Prologue(input), parameters: store.values,
            epilogue: Epilogue(normalizing: coefficients, appliesReLU: appliesReLU, adding: residual),
            panels: &panels, into: &output.values, sums: &workspace.noSums, context)
    }

    /// Sets the gradients of the normalisation and of the weights, if the input needs no gradient.
    ///
    /// - Parameters:
    ///   - input: Read without normalisation.
    ///   - gradient: Gradient of the normalisation's output, whose sums are in
    ///     `normalization.sampleSums`.
    func differentiateParameters(
        _ input: borrowing Buffer<Float>, gradient: borrowing Buffer<Float>, store: ParameterStore,
        _ context: StepContext
    ) throws {
        try normalization.differentiate(store: store, context)
        let input = input.span
        withGradient(
            gradient, output.values, normalization.gradientCoefficients, groups: context.placement.groups
        ) {
            convolution.weightGradient(
                Prologue(input), outputGradient: $0, store: store, microbatches: &microbatchGradients, context
            )
        }
    }

    /// Overwrites `inputGradient`; in training also sets the gradients of the normalisation and of
    /// the weights.
    ///
    /// - Parameters:
    ///   - gradient: Gradient of the normalisation's output, whose sums are in
    ///     `normalization.sampleSums`.
    ///   - epilogue: Its addend may be stored in the memory of `inputGradient`.
    ///   - sums: Sums of the normalisation before this unit; overwritten if `epilogue` makes sums.
    func differentiate(
        _ input: Activation, gradient: borrowing Buffer<Float>, store: ParameterStore,
        epilogue: borrowing Epilogue, sums: inout Buffer<Double>, _ context: StepContext
    ) throws {
        guard context.mode == .training else {
            differentiateInput(gradient: gradient, store: store, epilogue: epilogue, sums: &sums, context)
            return
        }
        try normalization.differentiate(store: store, context)
        differentiate(
            input.values, input.coefficients, appliesReLU: input.appliesReLU, gradient: gradient,
            store: store,
            epilogue: epilogue, sums: &sums, context)
    }

    /// Overwrites only `inputGradient`, for a normalisation with running statistics.
    ///
    /// - Parameters:
    ///   - gradient: Gradient of the normalisation's output.
    ///   - sums: Overwritten if `epilogue` makes sums.
    func differentiateInput(
        gradient: borrowing Buffer<Float>, store: ParameterStore, epilogue: borrowing Epilogue,
        sums: inout Buffer<Double>, _ context: StepContext
    ) {
        normalization.differentiateRunning(store)
        let epilogue = copy epilogue
        withGradient(
            gradient, output.values, normalization.gradientCoefficients, groups: context.placement.groups
        ) {
            convolution.inputGradient(
                $0, parameters: store.values, epilogue: epilogue, panels: &gradientPanels,
                into: &inputGradient,
                sums: &sums, context)
        }
    }

    private func differentiate(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        appliesReLU inputHasReLU: Bool, gradient: borrowing Buffer<Float>, store: ParameterStore,
        epilogue: borrowing Epilogue, sums: inout Buffer<Double>, _ context: StepContext
    ) {
        let groups = context.placement.groups
        let epilogue = copy epilogue
        withGradient(gradient, output.values, normalization.gradientCoefficients, groups: groups) {
            gradient in
            let gradient = copy gradient
            withPrologue(values, coefficients, groups: groups, appliesReLU: inputHasReLU) {
                convolution.gradients(
                    $0, outputGradient: gradient, store: store, epilogue: epilogue,
                    microbatches: &microbatchGradients,
                    panels: &gradientPanels, into: &inputGradient, sums: &sums, context)
            }
        }
    }
}

// MARK: - Memory

extension ConvBN {
    /// Plans the memory of `output` and of its computation.
    ///
    /// - Parameter place: A tensor that `output` may overwrite.
    func planForward(
        _ plan: inout MemoryPlan, inPlaceOf place: MemoryPlan.Tensor? = nil, _ context: StepContext
    ) -> MemoryPlan.Tensor {
        let result = plan.begin(
            context.sampleCount * convolution.shape.outputCount, inPlaceOf: place
        ) { [unowned self] in output.values = $0 }
        plan.moment(convolution.panelCount) { [unowned self] in panels = $0 }
        return result
    }

    /// Plans the memory of `differentiateParameters`; in inspection that of the gradient of the
    /// unit's input, which outlives the pass.
    func planParameters(_ plan: inout MemoryPlan, _ context: StepContext) {
        guard context.mode == .training else {
            _ = planGradients(&plan, context)
            return
        }
        plan.moment(convolution.microbatchGradientCount(context)) { [unowned self] in microbatchGradients = $0
        }
    }

    /// Plans the memory of `inputGradient` and of `differentiate`.
    func planGradients(
        _ plan: inout MemoryPlan, inPlaceOf place: MemoryPlan.Tensor? = nil, _ context: StepContext
    ) -> MemoryPlan.Tensor {
        let microbatches = plan.begin(convolution.microbatchGradientCount(context)) { [unowned self] in
            microbatchGradients = $0
        }
        let result = plan.begin(
            context.sampleCount * convolution.shape.inputCount, inPlaceOf: place
        ) { [unowned self] in inputGradient = $0 }
        plan.moment(convolution.panelCount) { [unowned self] in gradientPanels = $0 }
        plan.end(microbatches)
        return result
    }
}
