internal import Kernels
internal import Workers

/// Units in a row with a shortcut around them (arXiv 1512.03385): a basic block has two, a bottleneck three.
final class ResidualBlock {
    /// The way around the units.
    enum Shortcut {
        case identity
        /// A pointwise convolution with batch norm.
        case projection(ConvolutionUnit)
        /// Every second position, zero channels in front and behind ("option A").
        case subsampling(ConvolutionShape)
    }

    private let units: [ConvolutionUnit]
    private let shortcut: Shortcut
    /// Finished values, shape `[N, P, Q, K]`; in evaluation the last unit's are used instead.
    private let joined = Activation()
    private var isEvaluated = false

    init(units: [ConvolutionUnit], shortcut: Shortcut) {
        precondition(units.count >= 2, "a residual block of \(units.count) units")
        self.units = units
        self.shortcut = shortcut
    }

    /// The unit whose output, with the shortcut's, is the block's.
    var last: ConvolutionUnit { units[units.count - 1] }
    /// Finished values.
    var output: Activation { isEvaluated ? last.output : joined }

    /// The largest tensor at the block's ends, and the largest inside, in elements of one image.
    var largestCounts: (outer: Int, inner: Int) {
        (
            outer: max(units[0].convolution.shape.inputCount, last.convolution.shape.outputCount),
            inner: units.dropFirst().map(\.convolution.shape.inputCount).max() ?? 0
        )
    }
    private var channels: Int { last.convolution.shape.outputChannels }
    private var positions: Int { last.convolution.shape.outputPositions }

    // MARK: - Forward

    /// Sets `output` by the batch's own statistics.
    func forwardTraining(
        _ input: Activation, store: ParameterStore, workspace: Workspace, _ pass: Pass
    ) throws {
        isEvaluated = false
        var current = input
        for unit in units {
            try unit.forwardTraining(current, store: store, workspace: workspace, pass)
            current = unit.output
        }
        switch shortcut {
        case .identity:
            join(with: input, pass)
        case .projection(let unit):
            try unit.forwardTraining(input, store: store, workspace: workspace, pass)
            join(with: unit.output, pass)
        case .subsampling(let shape):
            precondition(input.coefficients.count == 0, "a shortcut of values that are not finished")
            subsample(input.values, shape, into: &workspace.shortcut, pass)
            join(workspace.shortcut, workspace.none, rectifies: false, pass)
        }
    }

    /// Sets `output` by the running statistics.
    func forwardEvaluation(
        _ input: Activation, store: ParameterStore, workspace: Workspace, _ pass: Pass
    ) {
        isEvaluated = true
        var current = input
        for unit in units.dropLast() {
            unit.forwardEvaluation(
                current.values, residual: workspace.none, rectifies: true, store: store, workspace: workspace,
                pass)
            current = unit.output
        }
        switch shortcut {
        case .identity:
            last.forwardEvaluation(
                current.values, residual: input.values, rectifies: true, store: store, workspace: workspace,
                pass)
        case .projection(let unit):
            unit.forwardEvaluation(
                input.values, residual: workspace.none, rectifies: false, store: store, workspace: workspace,
                pass)
            last.forwardEvaluation(
                current.values, residual: unit.output.values, rectifies: true, store: store,
                workspace: workspace,
                pass)
        case .subsampling(let shape):
            subsample(input.values, shape, into: &workspace.shortcut, pass)
            last.forwardEvaluation(
                current.values, residual: workspace.shortcut, rectifies: true, store: store,
                workspace: workspace,
                pass)
        }
    }

    private func join(with activation: Activation, _ pass: Pass) {
        join(activation.values, activation.coefficients, rectifies: activation.rectifies, pass)
    }

    private func join(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>, rectifies: Bool,
        _ pass: Pass
    ) {
        let groups = pass.placement.groups
        withOperand(last.output.values, last.output.coefficients, groups: groups, rectifies: false) { own in
            let own = copy own
            withOperand(values, coefficients, groups: groups, rectifies: rectifies) {
                add($0, to: own, into: &joined.values, pass)
            }
        }
    }

    private func add(
        _ other: borrowing Operand, to own: borrowing Operand, into output: inout Buffer<Float>, _ pass: Pass
    ) {
        output.reserve(pass.sampleCount * last.convolution.shape.outputCount)
        var output = output.mutableSpan
        combine(
            own, adding: other, rectifies: true, channels: channels, positions: positions,
            sampleCount: pass.sampleCount, into: &output, on: pass.pool)
    }

    // MARK: - Backward

    /// What a block's backward pass leaves for what came before the block.
    enum Source {
        /// A block: its output is rectified, its last unit's normalisation wants sums.
        case block(ResidualBlock)
        /// A unit whose output is normalised and rectified while it is read.
        case unit(ConvolutionUnit)
        /// Something without a normalisation of its own, such as max-pooling.
        case other
    }

    /// Turns `gradient` from that of the block's output into that of what `source` gave, masked by its rectifier, its sums
    /// with its normalisation.
    ///
    /// - Parameters:
    ///   - input: What the block read in the forward pass.
    ///   - gradient: Masked by the block's rectifier; its sums are in `last.normalization.sampleSums`.
    func backward(
        _ input: Activation, gradient: inout Buffer<Float>, source: Source, store: ParameterStore,
        workspace: Workspace, _ pass: Pass
    ) throws {
        // The way around first: the units' last step adds it.
        switch shortcut {
        case .identity: break
        case .projection(let unit):
            sumProducts(gradient, unit, pass)
            try unit.differentiateParameters(
                input, gradient: gradient, store: store, workspace: workspace, pass)
            unit.differentiateInput(
                gradient: gradient, store: store, epilogue: Epilogue(), into: &workspace.shortcut,
                sums: &workspace.noSums, workspace: workspace, pass)
        case .subsampling(let shape):
            spread(gradient, shape, into: &workspace.shortcut, pass)
        }
        try last.differentiateParameters(
            units[units.count - 2].output, gradient: gradient, store: store, workspace: workspace, pass)
        differentiateInput(
            of: last, gradient: gradient, before: units[units.count - 2], adding: workspace.none, store,
            into: &workspace.inner, workspace, pass)
        for i in stride(from: units.count - 2, to: 0, by: -1) {
            try units[i].differentiateParameters(
                units[i - 1].output, gradient: workspace.inner, store: store, workspace: workspace, pass)
            differentiateInput(
                of: units[i], gradient: workspace.inner, before: units[i - 1], adding: workspace.none, store,
                into: &workspace.nextInner, workspace, pass)
            swap(&workspace.inner, &workspace.nextInner)
        }
        try units[0].differentiateParameters(
            input, gradient: workspace.inner, store: store, workspace: workspace, pass)
        switch shortcut {
        case .identity: finish(adding: gradient, source, store, workspace, pass)
        case .projection, .subsampling: finish(adding: workspace.shortcut, source, store, workspace, pass)
        }
        swap(&gradient, &workspace.outer)
    }

    /// The gradient of the block's input, with that of the shortcut added.
    private func finish(
        adding addend: borrowing Buffer<Float>, _ source: Source, _ store: ParameterStore,
        _ workspace: Workspace, _ pass: Pass
    ) {
        switch source {
        case .block(let block):
            differentiateInput(
                rectified: block.joined.values, normalized: block.last.output.values, adding: addend, store,
                sums: &block.last.normalization.sampleSums, workspace, pass)
        case .unit(let unit):
            differentiateInput(
                of: units[0], gradient: workspace.inner, before: unit, adding: addend, store,
                into: &workspace.outer, workspace, pass)
        case .other:
            let addend = addend.span
            units[0].differentiateInput(
                gradient: workspace.inner, store: store, epilogue: Epilogue(adding: addend),
                into: &workspace.outer, sums: &workspace.noSums, workspace: workspace, pass)
        }
    }

    private func differentiateInput(
        rectified: borrowing Buffer<Float>, normalized: borrowing Buffer<Float>,
        adding addend: borrowing Buffer<Float>, _ store: ParameterStore, sums: inout Buffer<Double>,
        _ workspace: Workspace, _ pass: Pass
    ) {
        let rectified = rectified.span
        let normalized = normalized.span
        let addend = addend.span
        units[0].differentiateInput(
            gradient: workspace.inner, store: store,
            epilogue: Epilogue(maskingByRectified: rectified, normalized: normalized, adding: addend),
            into: &workspace.outer, sums: &sums, workspace: workspace, pass)
    }

    /// The gradient of `unit`'s input, masked by the rectifier of `before`, whose sums are made.
    private func differentiateInput(
        of unit: ConvolutionUnit, gradient: borrowing Buffer<Float>, before: ConvolutionUnit,
        adding addend: borrowing Buffer<Float>, _ store: ParameterStore,
        into inputGradient: inout Buffer<Float>, _ workspace: Workspace, _ pass: Pass
    ) {
        differentiateInput(
            of: unit, gradient: gradient, before.output.values, before.output.coefficients, adding: addend,
            store,
            into: &inputGradient, sums: &before.normalization.sampleSums, workspace, pass)
    }

    private func differentiateInput(
        of unit: ConvolutionUnit, gradient: borrowing Buffer<Float>, _ values: borrowing Buffer<Float>,
        _ coefficients: borrowing Buffer<Float>, adding addend: borrowing Buffer<Float>,
        _ store: ParameterStore, into inputGradient: inout Buffer<Float>, sums: inout Buffer<Double>,
        _ workspace: Workspace, _ pass: Pass
    ) {
        let values = values.span
        let coefficients = coefficients.span
        let addend = addend.span
        unit.differentiateInput(
            gradient: gradient, store: store,
            epilogue: Epilogue(
                maskingBy: values, coefficients: coefficients, groups: pass.placement.groups, adding: addend),
            into: &inputGradient, sums: &sums, workspace: workspace, pass)
    }

    // MARK: - Shortcuts

    private func sumProducts(_ gradient: borrowing Buffer<Float>, _ unit: ConvolutionUnit, _ pass: Pass) {
        sumProducts(gradient, unit.output.values, into: &unit.normalization.sampleSums, pass)
    }

    private func sumProducts(
        _ gradient: borrowing Buffer<Float>, _ normalized: borrowing Buffer<Float>,
        into sums: inout Buffer<Double>, _ pass: Pass
    ) {
        let gradient = gradient.span
        let normalized = normalized.span
        var sums = sums.mutableSpan
        sumGradientProducts(
            gradient, normalized: normalized, channels: channels, positions: positions,
            sampleCount: pass.sampleCount, into: &sums, on: pass.pool)
    }

    private func subsample(
        _ input: borrowing Buffer<Float>, _ shape: ConvolutionShape, into output: inout Buffer<Float>,
        _ pass: Pass
    ) {
        let count = pass.sampleCount * shape.outputCount
        output.reserve(count)
        let input = input.span
        var whole = output.mutableSpan
        var used = whole.part(0..<count)
        subsampleAndPadChannels(input, shape, into: &used, on: pass.pool)
    }

    private func spread(
        _ gradient: borrowing Buffer<Float>, _ shape: ConvolutionShape, into target: inout Buffer<Float>,
        _ pass: Pass
    ) {
        let count = pass.sampleCount * shape.inputCount
        target.reserve(count)
        let gradient = gradient.span
        var whole = target.mutableSpan
        var used = whole.part(0..<count)
        used.update(repeating: 0)
        accumulateSubsampledGradient(gradient, shape, into: &used, on: pass.pool)
    }
}
