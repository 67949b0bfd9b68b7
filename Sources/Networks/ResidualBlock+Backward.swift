internal import Kernels
internal import Memory

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
        try differentiate(last, gradient: gradient, before: units[units.count - 2], store, context)
        for i in stride(from: units.count - 2, to: 0, by: -1) {
            try differentiate(
                units[i], gradient: units[i + 1].convolution.inputGradient, before: units[i - 1], store,
                context)
        }
        switch shortcut {
        case .identity: try finish(input, adding: gradient.span, source, store, workspace, context)
        case .projection(let unit):
            try withSpans(unit.convolution.inputGradient) {
                try finish(input, adding: $0, source, store, workspace, context)
            }
        case .subsampling:
            try withSpans(spreadGradient) {
                try finish(input, adding: $0, source, store, workspace, context)
            }
        }
    }

    /// Computes the first unit's gradients and adds that of the shortcut.
    private func finish(
        _ input: Activation, adding addend: Span<Float>, _ source: Source, _ store: ParameterStore,
        _ workspace: Workspace, _ context: StepContext
    ) throws {
        switch source {
        case .block(let block):
            try withSpans(block.recomputed.values, block.last.output.values) {
                try units[0].differentiate(
                    input, gradient: units[1].convolution.inputGradient, store: store,
                    epilogue: Epilogue(maskingByReLU: $0, normalized: $1, adding: addend),
                    sums: &block.last.normalization.sampleSums, context)
            }
        case .unit(let unit):
            try differentiate(
                units[0], gradient: units[1].convolution.inputGradient, before: unit, adding: addend, store,
                context)
        case .other:
            try units[0].differentiate(
                input, gradient: units[1].convolution.inputGradient, store: store,
                epilogue: Epilogue(adding: addend),
                sums: &workspace.noSums, context)
        }
    }

    /// Computes the gradients of `unit`: masks that of its input, the output of `before`, by the
    /// ReLU of `before`, and computes the sums of the normalisation of `before`.
    private func differentiate(
        _ unit: ConvBN, gradient: borrowing Buffer<Float>, before: ConvBN,
        adding addend: Span<Float> = Span(), _ store: ParameterStore, _ context: StepContext
    ) throws {
        let input = before.output
        try withSpans(input.values, input.coefficients) {
            try unit.differentiate(
                input, gradient: gradient, store: store,
                epilogue: Epilogue(
                    maskingBy: $0, coefficients: $1, groups: context.placement.groups, adding: addend),
                sums: &before.normalization.sampleSums, context)
        }
    }
}
