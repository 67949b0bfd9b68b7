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
        normalization.prepare(pass)
        withOperand(
            input.values, input.coefficients, groups: pass.placement.groups, rectifies: input.rectifies
        ) {
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
    ///   - residual: Added after the normalisation.
    ///   - rectifies: Whether a rectifier follows.
    func forwardEvaluation(
        _ input: Activation, residual: Activation?, rectifies: Bool, store: ParameterStore, workspace: Workspace,
        _ pass: Pass
    ) {
        normalization.useRunningStatistics(store, into: &workspace.coefficients)
        convolve(
            input.values, workspace.coefficients, residual: residual?.values ?? workspace.none,
            rectifies: rectifies, store: store, workspace: workspace, pass)
    }

    /// Sets the gradients of the normalisation and of the weights.
    ///
    /// - Parameter gradient: Gradient of the normalisation's output, whose sums are in `normalization.sampleSums`.
    func differentiateParameters(
        _ input: Activation, gradient: borrowing Buffer<Float>, store: ParameterStore, workspace: Workspace,
        _ pass: Pass
    ) throws {
        try normalization.differentiate(store: store, pass)
        withGradient(gradient, output.values, normalization.gradientCoefficients, pass.placement.groups) {
            gradient in
            withOperand(
                input.values, input.coefficients, groups: pass.placement.groups, rectifies: input.rectifies
            ) {
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
        into inputGradient: inout Buffer<Float>, sums: inout Buffer<Double>, workspace: Workspace, _ pass: Pass
    ) {
        let epilogue = copy epilogue
        withGradient(gradient, output.values, normalization.gradientCoefficients, pass.placement.groups) {
            convolution.inputGradient(
                $0, parameters: store.values, epilogue: epilogue, panels: &workspace.panels,
                into: &inputGradient, sums: &sums, pass)
        }
    }
}
