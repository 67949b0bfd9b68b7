internal import Kernels
internal import Memory
internal import Workers

extension ResidualBlock {
    /// The layer that feeds a block, for which the block's backward pass prepares the gradient and
    /// the sums.
    enum Source {
        /// A block: its output has passed through ReLU, and its last unit's normalisation needs
        /// sums.
        case block(ResidualBlock)
        /// A unit whose output is normalised and passed through ReLU while it is read.
        case unit(ConvBN)
        /// A layer without a normalisation, such as max-pooling.
        case other
    }

    /// Sets `inputGradient`, masked by the ReLU of `source`, and the sums of the normalisation of
    /// `source`.
    ///
    /// - Parameters:
    ///   - input: The block's input in the forward pass.
    ///   - gradient: Gradient of the block's output, masked by the block's ReLU; its sums are in
    ///     `last.normalization.sampleSums`. Consumed.
    func backward(
        _ input: Activation, gradient: borrowing Buffer<Float>, source: Source, store: ParameterStore,
        workspace: Workspace, _ context: StepContext
    ) throws {
        // The shortcut first: the first unit's epilogue adds its gradient.
        switch shortcut {
        case .identity: break
        case .projection(let unit):
            if context.mode == .training { sumProducts(gradient, unit, context) }
            try unit.differentiate(
                input, gradient: gradient, store: store, epilogue: Epilogue(), sums: &workspace.noSums,
                context)
        case .subsampling(let shape):
            spread(gradient, shape, into: &spreadGradient, context)
        }
        try differentiate(
            last, units[units.count - 2].output, gradient: gradient, before: units[units.count - 2],
            adding: workspace.none, store, context)
        for i in stride(from: units.count - 2, to: 0, by: -1) {
            try differentiate(
                units[i], units[i - 1].output, gradient: units[i + 1].inputGradient, before: units[i - 1],
                adding: workspace.none, store, context)
        }
        switch shortcut {
        case .identity: try finish(input, adding: gradient, source, store, workspace, context)
        case .projection(let unit):
            try finish(input, adding: unit.inputGradient, source, store, workspace, context)
        case .subsampling: try finish(input, adding: spreadGradient, source, store, workspace, context)
        }
    }

    /// Computes the first unit's gradients and adds that of the shortcut.
    private func finish(
        _ input: Activation, adding addend: borrowing Buffer<Float>, _ source: Source,
        _ store: ParameterStore, _ workspace: Workspace, _ context: StepContext
    ) throws {
        switch source {
        case .block(let block):
            try differentiateFirst(
                input, reluOutput: block.recomputed.values, normalized: block.last.output.values,
                adding: addend,
                store, sums: &block.last.normalization.sampleSums, context)
        case .unit(let unit):
            try differentiate(
                units[0], input, gradient: units[1].inputGradient, before: unit, adding: addend, store,
                context)
        case .other:
            let addend = addend.span
            try units[0].differentiate(
                input, gradient: units[1].inputGradient, store: store, epilogue: Epilogue(adding: addend),
                sums: &workspace.noSums, context)
        }
    }

    private func differentiateFirst(
        _ input: Activation, reluOutput: borrowing Buffer<Float>, normalized: borrowing Buffer<Float>,
        adding addend: borrowing Buffer<Float>, _ store: ParameterStore, sums: inout Buffer<Double>,
        _ context: StepContext
    ) throws {
        let reluOutput = reluOutput.span
        let normalized = normalized.span
        let addend = addend.span
        try units[0].differentiate(
            input, gradient: units[1].inputGradient, store: store,
            epilogue: Epilogue(maskingByReLU: reluOutput, normalized: normalized, adding: addend),
            sums: &sums, context)
    }

    /// Computes the gradients of `unit`: masks that of its input by the ReLU of `before`, and
    /// computes the sums of the normalisation of `before`.
    private func differentiate(
        _ unit: ConvBN, _ input: Activation, gradient: borrowing Buffer<Float>,
        before: ConvBN, adding addend: borrowing Buffer<Float>, _ store: ParameterStore,
        _ context: StepContext
    ) throws {
        try differentiate(
            unit, input, gradient: gradient, before.output.values, before.output.coefficients, adding: addend,
            store, sums: &before.normalization.sampleSums, context)
    }

    private func differentiate(
        _ unit: ConvBN, _ input: Activation, gradient: borrowing Buffer<Float>,
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        adding addend: borrowing Buffer<Float>, _ store: ParameterStore, sums: inout Buffer<Double>,
        _ context: StepContext
    ) throws {
        let values = values.span
        let coefficients = coefficients.span
        let addend = addend.span
        try unit.differentiate(
            input, gradient: gradient, store: store,
            epilogue: Epilogue(
                maskingBy: values, coefficients: coefficients, groups: context.placement.groups,
                adding: addend),
            sums: &sums, context)
    }
}
