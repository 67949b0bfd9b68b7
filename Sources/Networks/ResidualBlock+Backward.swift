internal import Kernels
internal import Workers

extension ResidualBlock {
    /// What a block's backward pass leaves for what came before the block.
    enum Source {
        /// A block: its output is rectified, its last unit's normalisation wants sums.
        case block(ResidualBlock)
        /// A unit whose output is normalised and rectified while it is read.
        case unit(ConvolutionUnit)
        /// Something without a normalisation of its own, such as max-pooling.
        case other
    }

    /// Sets `inputGradient` to that of what `source` gave, masked by its rectifier, its sums with its normalisation.
    ///
    /// - Parameters:
    ///   - input: What the block read in the forward pass.
    ///   - gradient: That of the block's output, masked by the block's rectifier; its sums are in
    ///     `last.normalization.sampleSums`. Used up.
    func backward(
        _ input: Activation, gradient: borrowing Buffer<Float>, source: Source, store: ParameterStore,
        workspace: Workspace, _ pass: Pass
    ) throws {
        // The way around first: the units' last step adds it.
        switch shortcut {
        case .identity: break
        case .projection(let unit):
            if pass.mode == .training { sumProducts(gradient, unit, pass) }
            try unit.differentiate(
                input, gradient: gradient, store: store, epilogue: Epilogue(), sums: &workspace.noSums, pass)
        case .subsampling(let shape):
            spread(gradient, shape, into: &spreadGradient, pass)
        }
        try differentiate(
            last, units[units.count - 2].output, gradient: gradient, before: units[units.count - 2],
            adding: workspace.none, store, pass)
        for i in stride(from: units.count - 2, to: 0, by: -1) {
            try differentiate(
                units[i], units[i - 1].output, gradient: units[i + 1].inputGradient, before: units[i - 1],
                adding: workspace.none, store, pass)
        }
        switch shortcut {
        case .identity: try finish(input, adding: gradient, source, store, workspace, pass)
        case .projection(let unit):
            try finish(input, adding: unit.inputGradient, source, store, workspace, pass)
        case .subsampling: try finish(input, adding: spreadGradient, source, store, workspace, pass)
        }
    }

    /// The first unit's gradients, with that of the shortcut added.
    private func finish(
        _ input: Activation, adding addend: borrowing Buffer<Float>, _ source: Source,
        _ store: ParameterStore, _ workspace: Workspace, _ pass: Pass
    ) throws {
        switch source {
        case .block(let block):
            try differentiateFirst(
                input, rectified: block.recalled.values, normalized: block.last.output.values, adding: addend,
                store, sums: &block.last.normalization.sampleSums, pass)
        case .unit(let unit):
            try differentiate(
                units[0], input, gradient: units[1].inputGradient, before: unit, adding: addend, store, pass)
        case .other:
            let addend = addend.span
            try units[0].differentiate(
                input, gradient: units[1].inputGradient, store: store, epilogue: Epilogue(adding: addend),
                sums: &workspace.noSums, pass)
        }
    }

    private func differentiateFirst(
        _ input: Activation, rectified: borrowing Buffer<Float>, normalized: borrowing Buffer<Float>,
        adding addend: borrowing Buffer<Float>, _ store: ParameterStore, sums: inout Buffer<Double>,
        _ pass: Pass
    ) throws {
        let rectified = rectified.span
        let normalized = normalized.span
        let addend = addend.span
        try units[0].differentiate(
            input, gradient: units[1].inputGradient, store: store,
            epilogue: Epilogue(maskingByRectified: rectified, normalized: normalized, adding: addend),
            sums: &sums, pass)
    }

    /// The gradients of `unit`, that of its input masked by the rectifier of `before`, whose sums are made.
    private func differentiate(
        _ unit: ConvolutionUnit, _ input: Activation, gradient: borrowing Buffer<Float>,
        before: ConvolutionUnit, adding addend: borrowing Buffer<Float>, _ store: ParameterStore, _ pass: Pass
    ) throws {
        try differentiate(
            unit, input, gradient: gradient, before.output.values, before.output.coefficients, adding: addend,
            store, sums: &before.normalization.sampleSums, pass)
    }

    private func differentiate(
        _ unit: ConvolutionUnit, _ input: Activation, gradient: borrowing Buffer<Float>,
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        adding addend: borrowing Buffer<Float>, _ store: ParameterStore, sums: inout Buffer<Double>,
        _ pass: Pass
    ) throws {
        let values = values.span
        let coefficients = coefficients.span
        let addend = addend.span
        try unit.differentiate(
            input, gradient: gradient, store: store,
            epilogue: Epilogue(
                maskingBy: values, coefficients: coefficients, groups: pass.placement.groups, adding: addend),
            sums: &sums, pass)
    }
}
