internal import Kernels
internal import Memory

/// A convolution and its batch normalisation.
final class ConvBN {
    let convolution: Convolution2D
    let normalization: BatchNormalization2D
    /// In training and inspection the convolution's output, with the normalisation's coefficients;
    /// in evaluation finished values.
    let output = Activation()
    private let appliesReLU: Bool

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
        try input.withPrologue(groups: context.placement.groups) {
            try forwardKeeping($0, store: store, context)
        }
    }

    /// The same, for any input.
    func forwardKeeping(
        _ input: borrowing Prologue, store: ParameterStore, _ context: StepContext
    ) throws {
        normalization.prepare(context)
        convolution.forward(
            input, store: store, epilogue: context.mode == .training ? .moments() : Epilogue(),
            into: &output.values, sums: &normalization.sampleSums, context)
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
        let input = input.span
        let residual = residual.span
        withSpans(workspace.coefficients) {
            convolution.forward(
                Prologue(input), store: store,
                epilogue: Epilogue(normalizing: $0, appliesReLU: appliesReLU, adding: residual),
                into: &output.values, sums: &workspace.noSums, context)
        }
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
            convolution.differentiateWeights(Prologue(input), outputGradient: $0, store: store, context)
        }
    }

    /// Overwrites the convolution's `inputGradient`; in training also sets the gradients of the
    /// normalisation and of the weights.
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
        let groups = context.placement.groups
        let epilogue = copy epilogue
        withGradient(gradient, output.values, normalization.gradientCoefficients, groups: groups) {
            gradient in
            let gradient = copy gradient
            input.withPrologue(groups: groups) {
                convolution.differentiate(
                    $0, outputGradient: gradient, store: store, epilogue: epilogue, sums: &sums, context)
            }
        }
    }

    /// Overwrites only the convolution's `inputGradient`, for a normalisation with running
    /// statistics.
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
            convolution.differentiateInput($0, store: store, epilogue: epilogue, sums: &sums, context)
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
        convolution.planForward(&plan)
        return result
    }
}
