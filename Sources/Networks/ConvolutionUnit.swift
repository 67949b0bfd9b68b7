internal import Kernels
internal import Workers

/// A convolution and its batch normalisation.
final class ConvolutionUnit {
    let convolution: Convolution2D
    let normalization: BatchNormalization2D
    /// In training what the convolution gave, with the normalisation's coefficients; in evaluation the finished values.
    let output = Activation()
    private let rectifies: Bool

    /// - Parameters:
    ///   - names: State-dictionary names of the convolution and of the normalisation.
    ///   - rectifies: Whether a rectifier follows at once, before anything is added.
    init(
        _ names: (convolution: String, normalization: String), _ shape: ConvolutionShape,
        initializer: Initializer, rectifies: Bool, in store: ParameterStore
    ) {
        convolution = Convolution2D(names.convolution, shape, initializer: initializer, in: store)
        normalization = BatchNormalization2D(
            names.normalization, channels: shape.outputChannels, positions: shape.outputPositions, in: store)
        self.rectifies = rectifies
    }

    /// Sets `output` by the batch's own statistics.
    func forwardTraining(
        _ input: Activation, store: ParameterStore, workspace: Workspace, _ pass: Pass
    ) throws {
        try forwardTraining(
            input.values, input.coefficients, rectifies: input.rectifies, store: store, workspace: workspace,
            pass)
    }

    /// As above, for values and coefficients as an `Activation` has them.
    func forwardTraining(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        rectifies inputIsRectified: Bool,
        store: ParameterStore, workspace: Workspace, _ pass: Pass
    ) throws {
        normalization.prepare(pass)
        withOperand(values, coefficients, groups: pass.placement.groups, rectifies: inputIsRectified) {
            convolution.forward(
                $0, parameters: store.values, epilogue: .moments(), panels: &workspace.panels,
                into: &output.values, sums: &normalization.sampleSums, pass)
        }
        output.rectifies = rectifies
        try normalization.measure(store: store, into: &output.coefficients, pass)
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
            panels: &workspace.panels, into: &output.values, sums: &workspace.noSums, pass)
    }

    /// Sets the gradients of the normalisation and of the weights.
    ///
    /// - Parameter gradient: Gradient of the normalisation's output, whose sums are in `normalization.sampleSums`.
    func differentiateParameters(
        _ input: Activation, gradient: borrowing Buffer<Float>, store: ParameterStore, workspace: Workspace,
        _ pass: Pass
    ) throws {
        try differentiateParameters(
            input.values, input.coefficients, rectifies: input.rectifies, gradient: gradient, store: store,
            workspace: workspace, pass)
    }

    /// As above, for values and coefficients as an `Activation` has them.
    func differentiateParameters(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        rectifies inputIsRectified: Bool,
        gradient: borrowing Buffer<Float>, store: ParameterStore, workspace: Workspace, _ pass: Pass
    ) throws {
        let groups = pass.placement.groups
        try normalization.differentiate(store: store, pass)
        withGradient(gradient, output.values, normalization.gradientCoefficients, groups: groups) {
            gradient in
            let gradient = copy gradient
            withOperand(values, coefficients, groups: groups, rectifies: inputIsRectified) {
                convolution.weightGradient(
                    $0, outputGradient: gradient, lanes: &workspace.lanes, into: &store.gradients, pass)
            }
        }
    }

    /// Overwrites `inputGradient`.
    ///
    /// - Parameters:
    ///   - gradient: Gradient of the normalisation's output.
    ///   - sums: Of the normalisation before this unit; overwritten if `epilogue` makes sums.
    func differentiateInput(
        gradient: borrowing Buffer<Float>, store: ParameterStore, epilogue: borrowing Epilogue,
        into inputGradient: inout Buffer<Float>, sums: inout Buffer<Double>, workspace: Workspace,
        _ pass: Pass
    ) {
        let epilogue = copy epilogue
        withGradient(
            gradient, output.values, normalization.gradientCoefficients, groups: pass.placement.groups
        ) {
            convolution.inputGradient(
                $0, parameters: store.values, epilogue: epilogue, panels: &workspace.panels,
                into: &inputGradient, sums: &sums, pass)
        }
    }
}
