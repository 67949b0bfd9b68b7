internal import Kernels
internal import Workers

/// A convolution and its batch normalisation.
final class ConvolutionUnit {
    let convolution: Convolution2D
    let normalization: BatchNormalization2D
    /// In training what the convolution gave, with the normalisation's coefficients; in evaluation the finished values.
    let output = Activation()
    /// Gradient of the unit's input, shape `[N, H, W, C]`.
    private(set) var inputGradient = Buffer<Float>(zeros: 0)
    private let rectifies: Bool
    /// Packed or transformed weights, for the forward pass and for the input's gradient.
    private var panels = Buffer<Float>(zeros: 0)
    private var gradientPanels = Buffer<Float>(zeros: 0)
    /// Weight gradients, one a lane.
    private var laneGradients = Buffer<Float>(zeros: 0)

    /// - Parameters:
    ///   - names: State-dictionary names of the convolution and of the normalisation.
    ///   - rectifies: Whether a rectifier follows at once, before anything is added.
    init(
        _ names: (convolution: String, normalization: String), _ shape: ConvolutionShape,
        _ choices: ConvolutionChoices, initializer: Initializer, rectifies: Bool, in store: ParameterStore
    ) {
        convolution = Convolution2D(names.convolution, shape, choices, initializer: initializer, in: store)
        normalization = BatchNormalization2D(
            names.normalization, channels: shape.outputChannels, positions: shape.outputPositions, in: store)
        self.rectifies = rectifies
    }

    /// Sets `output` by the batch's own statistics, in inspection by the running ones.
    func forwardKeeping(
        _ input: Activation, store: ParameterStore, _ pass: Pass
    ) throws {
        try forwardKeeping(
            input.values, input.coefficients, rectifies: input.rectifies, store: store, pass)
    }

    /// As above, for values and coefficients as an `Activation` has them.
    func forwardKeeping(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        rectifies inputIsRectified: Bool, store: ParameterStore, _ pass: Pass
    ) throws {
        normalization.prepare(pass)
        withOperand(values, coefficients, groups: pass.placement.groups, rectifies: inputIsRectified) {
            convolution.forward(
                $0, parameters: store.values,
                epilogue: pass.mode == .training ? .moments() : Epilogue(), panels: &panels,
                into: &output.values, sums: &normalization.sampleSums, pass)
        }
        output.rectifies = rectifies
        if pass.mode == .training {
            try normalization.measure(store: store, into: &output.coefficients, pass)
        } else {
            normalization.useRunningStatistics(store, into: &output.coefficients)
        }
    }

    /// Sets `output` to finished values by the running statistics.
    ///
    /// - Parameters:
    ///   - residual: Added after the normalisation; empty for none.
    ///   - rectifies: Whether a rectifier follows.
    func forwardEvaluation(
        _ input: borrowing Buffer<Float>, residual: borrowing Buffer<Float>, rectifies: Bool,
        store: ParameterStore, workspace: Workspace, _ pass: Pass
    ) {
        normalization.useRunningStatistics(store, into: &workspace.coefficients)
        convolve(input, workspace.coefficients, residual, rectifies: rectifies, store, workspace, pass)
    }

    private func convolve(
        _ input: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        _ residual: borrowing Buffer<Float>, rectifies: Bool, _ store: ParameterStore, _ workspace: Workspace,
        _ pass: Pass
    ) {
        let input = input.span
        let coefficients = coefficients.span
        let residual = residual.span
        convolution.forward(
            Operand(input), parameters: store.values,
            epilogue: Epilogue(normalizing: coefficients, rectifies: rectifies, adding: residual),
            panels: &panels, into: &output.values, sums: &workspace.noSums, pass)
    }

    /// Sets the gradients of the normalisation and of the weights, where nothing wants the input's.
    ///
    /// - Parameters:
    ///   - input: As it lies.
    ///   - gradient: Gradient of the normalisation's output, whose sums are in `normalization.sampleSums`.
    func differentiateParameters(
        _ input: borrowing Buffer<Float>, gradient: borrowing Buffer<Float>, store: ParameterStore,
        _ pass: Pass
    ) throws {
        try normalization.differentiate(store: store, pass)
        let input = input.span
        withGradient(
            gradient, output.values, normalization.gradientCoefficients, groups: pass.placement.groups
        ) {
            convolution.weightGradient(
                Operand(input), outputGradient: $0, store: store, lanes: &laneGradients, pass)
        }
    }

    /// Sets the gradients of the normalisation and of the weights, in inspection neither; overwrites `inputGradient`.
    ///
    /// - Parameters:
    ///   - gradient: Gradient of the normalisation's output, whose sums are in `normalization.sampleSums`.
    ///   - epilogue: Its addend may lie where `inputGradient` does.
    ///   - sums: Of the normalisation before this unit; overwritten if `epilogue` makes sums.
    func differentiate(
        _ input: Activation, gradient: borrowing Buffer<Float>, store: ParameterStore,
        epilogue: borrowing Epilogue, sums: inout Buffer<Double>, _ pass: Pass
    ) throws {
        guard pass.mode == .training else {
            differentiateInput(gradient: gradient, store: store, epilogue: epilogue, sums: &sums, pass)
            return
        }
        try normalization.differentiate(store: store, pass)
        differentiate(
            input.values, input.coefficients, rectifies: input.rectifies, gradient: gradient, store: store,
            epilogue: epilogue, sums: &sums, pass)
    }

    /// Overwrites `inputGradient` for statistics that do not follow the batch; nothing else.
    ///
    /// - Parameters:
    ///   - gradient: Gradient of the normalisation's output.
    ///   - sums: Overwritten if `epilogue` makes sums.
    func differentiateInput(
        gradient: borrowing Buffer<Float>, store: ParameterStore, epilogue: borrowing Epilogue,
        sums: inout Buffer<Double>, _ pass: Pass
    ) {
        normalization.differentiateRunning(store)
        let epilogue = copy epilogue
        withGradient(
            gradient, output.values, normalization.gradientCoefficients, groups: pass.placement.groups
        ) {
            convolution.inputGradient(
                $0, parameters: store.values, epilogue: epilogue, panels: &gradientPanels,
                into: &inputGradient,
                sums: &sums, pass)
        }
    }

    private func differentiate(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        rectifies inputIsRectified: Bool, gradient: borrowing Buffer<Float>, store: ParameterStore,
        epilogue: borrowing Epilogue, sums: inout Buffer<Double>, _ pass: Pass
    ) {
        let groups = pass.placement.groups
        let epilogue = copy epilogue
        withGradient(gradient, output.values, normalization.gradientCoefficients, groups: groups) {
            gradient in
            let gradient = copy gradient
            withOperand(values, coefficients, groups: groups, rectifies: inputIsRectified) {
                convolution.gradients(
                    $0, outputGradient: gradient, store: store, epilogue: epilogue, lanes: &laneGradients,
                    panels: &gradientPanels, into: &inputGradient, sums: &sums, pass)
            }
        }
    }
}

// MARK: - Memory

extension ConvolutionUnit {
    /// `output`, and what making it takes.
    ///
    /// - Parameter place: What it may overwrite.
    func planForward(
        _ plan: inout MemoryPlan, inPlaceOf place: MemoryPlan.Tensor? = nil, _ pass: Pass
    ) -> MemoryPlan.Tensor {
        let result = plan.begin(
            pass.sampleCount * convolution.shape.outputCount, inPlaceOf: place
        ) { [unowned self] in output.values = $0 }
        plan.moment(convolution.panelCount) { [unowned self] in panels = $0 }
        return result
    }

    /// What `differentiateParameters` takes; in inspection the gradient of the unit's input, which stays after the pass.
    func planParameters(_ plan: inout MemoryPlan, _ pass: Pass) {
        guard pass.mode == .training else {
            _ = planGradients(&plan, pass)
            return
        }
        plan.moment(convolution.laneGradientCount(pass)) { [unowned self] in laneGradients = $0 }
    }

    /// `inputGradient`, and what `differentiate` takes.
    func planGradients(
        _ plan: inout MemoryPlan, inPlaceOf place: MemoryPlan.Tensor? = nil, _ pass: Pass
    ) -> MemoryPlan.Tensor {
        let lanes = plan.begin(convolution.laneGradientCount(pass)) { [unowned self] in laneGradients = $0 }
        let result = plan.begin(
            pass.sampleCount * convolution.shape.inputCount, inPlaceOf: place
        ) { [unowned self] in inputGradient = $0 }
        plan.moment(convolution.panelCount) { [unowned self] in gradientPanels = $0 }
        plan.end(lanes)
        return result
    }
}
