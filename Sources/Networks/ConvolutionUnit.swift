internal import Kernels

/// A convolution, its batch normalisation, and what follows: a residual to add, a rectifier.
final class ConvolutionUnit {
    let convolution: Convolution2D
    let normalization: BatchNormalization2D
    let rectifies: Bool
    private var convolved = Buffer<Float>(zeros: 0)
    /// Shape `[N, P, Q, K]`.
    private(set) var output = Buffer<Float>(zeros: 0)

    /// - Parameters:
    ///   - names: State-dictionary names of the convolution and of the normalisation.
    ///   - rectifies: Whether a rectifier follows.
    init(
        _ names: (convolution: String, normalization: String), _ shape: ConvolutionShape,
        initializer: Initializer, rectifies: Bool, in store: ParameterStore
    ) {
        convolution = Convolution2D(names.convolution, shape, initializer: initializer, in: store)
        normalization = BatchNormalization2D(
            names.normalization, channels: shape.outputChannels, positions: shape.outputPositions, in: store)
        self.rectifies = rectifies
    }

    /// Sets `output`.
    ///
    /// - Parameter residual: Added before the rectifier; empty for none.
    func forward(
        _ input: borrowing Buffer<Float>, residual: borrowing Buffer<Float>, store: ParameterStore,
        _ pass: Pass
    ) throws {
        convolution.forward(input, parameters: store.values, into: &convolved, pass)
        try normalization.forward(
            convolved, residual: residual, rectifies: rectifies, store: store, into: &output, pass)
    }

    /// Sets the unit's gradients in `store`, and overwrites `inputGradient` unless it is not needed.
    ///
    /// - Parameter gradient: Gradient of `output`; left 0 where the rectifier cut, which is the residual's gradient.
    func backward(
        _ input: borrowing Buffer<Float>, gradient: inout Buffer<Float>, store: ParameterStore,
        into inputGradient: inout Buffer<Float>, needsInputGradient: Bool = true,
        workspace: GradientWorkspace, _ pass: Pass
    ) throws {
        if rectifies {
            try normalization.backward(
                input: convolved, output: output, gradient: &gradient, store: store,
                into: &workspace.convolved, pass)
        } else {
            try normalization.backward(
                input: convolved, output: workspace.none, gradient: &gradient, store: store,
                into: &workspace.convolved, pass)
        }
        convolution.weightGradient(
            input, outputGradient: workspace.convolved, lanes: &workspace.lanes, into: &store.gradients, pass)
        if needsInputGradient {
            convolution.inputGradient(
                workspace.convolved, parameters: store.values, into: &inputGradient, pass)
        }
    }
}

/// Memory that the layers share in a backward pass.
final class GradientWorkspace {
    /// Gradient of a convolution's output.
    var convolved = Buffer<Float>(zeros: 0)
    /// Weight gradients, one a lane.
    var lanes = Buffer<Float>(zeros: 0)
    /// Gradients between the units of a block.
    var inner = Buffer<Float>(zeros: 0)
    var nextInner = Buffer<Float>(zeros: 0)
    /// Gradient of a block's input.
    var outer = Buffer<Float>(zeros: 0)
    /// Gradient of a shortcut's input.
    var shortcut = Buffer<Float>(zeros: 0)
    /// Stands for a tensor that is not there.
    let none = Buffer<Float>(zeros: 0)
}
