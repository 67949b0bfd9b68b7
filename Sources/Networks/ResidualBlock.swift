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
    /// The same in the backward pass, made anew or kept.
    let recalled = Activation()
    /// A shortcut's values, and the gradient of its input, where no unit has them.
    private var subsampled = Buffer<Float>(zeros: 0)
    private var spreadGradient = Buffer<Float>(zeros: 0)
    private var isEvaluated = false
    private var planned = Planned()

    init(units: [ConvolutionUnit], shortcut: Shortcut) {
        precondition(units.count >= 2, "a residual block of \(units.count) units")
        self.units = units
        self.shortcut = shortcut
    }

    /// The unit whose output, with the shortcut's, is the block's.
    var last: ConvolutionUnit { units[units.count - 1] }
    /// Finished values.
    var output: Activation { isEvaluated ? last.output : joined }

    /// The units, that of the shortcut last.
    var allUnits: [ConvolutionUnit] {
        if case .projection(let unit) = shortcut { return units + [unit] }
        return units
    }
    /// Gradient of the block's input, set by `backward`.
    var inputGradient: Buffer<Float> { _read { yield units[0].inputGradient } }
    /// Whether finishing the block's values takes those of the block before.
    var needsInputToFinish: Bool {
        switch shortcut {
        case .identity, .subsampling: true
        case .projection: false
        }
    }
    /// Whether the block changes the size of what it reads.
    var isFirstOfStage: Bool {
        switch shortcut {
        case .identity: false
        case .projection, .subsampling: true
        }
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
            try unit.forwardTraining(current, store: store, pass)
            current = unit.output
        }
        if case .projection(let unit) = shortcut { try unit.forwardTraining(input, store: store, pass) }
        finish(input, into: joined, workspace, pass)
    }

    /// Sets `recalled` to the finished values again.
    ///
    /// - Parameter input: As in the forward pass, if `needsInputToFinish`.
    func recall(_ input: Activation, workspace: Workspace, _ pass: Pass) {
        finish(input, into: recalled, workspace, pass)
    }

    private func finish(
        _ input: Activation, into output: Activation, _ workspace: Workspace, _ pass: Pass
    ) {
        switch shortcut {
        case .identity:
            join(with: input, into: output, pass)
        case .projection(let unit):
            join(with: unit.output, into: output, pass)
        case .subsampling(let shape):
            precondition(input.coefficients.count == 0, "a shortcut of values that are not finished")
            subsample(input.values, shape, into: &subsampled, pass)
            join(subsampled, workspace.none, rectifies: false, into: output, pass)
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
            subsample(input.values, shape, into: &subsampled, pass)
            last.forwardEvaluation(
                current.values, residual: subsampled, rectifies: true, store: store,
                workspace: workspace,
                pass)
        }
    }

    private func join(with activation: Activation, into output: Activation, _ pass: Pass) {
        join(
            activation.values, activation.coefficients, rectifies: activation.rectifies, into: output, pass)
    }

    private func join(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>, rectifies: Bool,
        into output: Activation, _ pass: Pass
    ) {
        let groups = pass.placement.groups
        withOperand(last.output.values, last.output.coefficients, groups: groups, rectifies: false) { own in
            let own = copy own
            withOperand(values, coefficients, groups: groups, rectifies: rectifies) {
                add($0, to: own, into: &output.values, pass)
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
            sumProducts(gradient, unit, pass)
            try unit.differentiateParameters(input, gradient: gradient, store: store, pass)
            unit.differentiateInput(
                gradient: gradient, store: store, epilogue: Epilogue(), sums: &workspace.noSums, pass)
        case .subsampling(let shape):
            spread(gradient, shape, into: &spreadGradient, pass)
        }
        try last.differentiateParameters(
            units[units.count - 2].output, gradient: gradient, store: store, pass)
        differentiateInput(
            of: last, gradient: gradient, before: units[units.count - 2], adding: workspace.none, store, pass)
        for i in stride(from: units.count - 2, to: 0, by: -1) {
            try units[i].differentiateParameters(
                units[i - 1].output, gradient: units[i + 1].inputGradient, store: store, pass)
            differentiateInput(
                of: units[i], gradient: units[i + 1].inputGradient, before: units[i - 1],
                adding: workspace.none, store, pass)
        }
        try units[0].differentiateParameters(
            input, gradient: units[1].inputGradient, store: store, pass)
        switch shortcut {
        case .identity: finish(adding: gradient, source, store, workspace, pass)
        case .projection(let unit): finish(adding: unit.inputGradient, source, store, workspace, pass)
        case .subsampling: finish(adding: spreadGradient, source, store, workspace, pass)
        }
    }

    /// The gradient of the block's input, with that of the shortcut added.
    private func finish(
        adding addend: borrowing Buffer<Float>, _ source: Source, _ store: ParameterStore,
        _ workspace: Workspace, _ pass: Pass
    ) {
        switch source {
        case .block(let block):
            differentiateInput(
                rectified: block.recalled.values, normalized: block.last.output.values, adding: addend, store,
                sums: &block.last.normalization.sampleSums, pass)
        case .unit(let unit):
            differentiateInput(
                of: units[0], gradient: units[1].inputGradient, before: unit, adding: addend, store, pass)
        case .other:
            let addend = addend.span
            units[0].differentiateInput(
                gradient: units[1].inputGradient, store: store, epilogue: Epilogue(adding: addend),
                sums: &workspace.noSums, pass)
        }
    }

    private func differentiateInput(
        rectified: borrowing Buffer<Float>, normalized: borrowing Buffer<Float>,
        adding addend: borrowing Buffer<Float>, _ store: ParameterStore, sums: inout Buffer<Double>,
        _ pass: Pass
    ) {
        let rectified = rectified.span
        let normalized = normalized.span
        let addend = addend.span
        units[0].differentiateInput(
            gradient: units[1].inputGradient, store: store,
            epilogue: Epilogue(maskingByRectified: rectified, normalized: normalized, adding: addend),
            sums: &sums, pass)
    }

    /// The gradient of `unit`'s input, masked by the rectifier of `before`, whose sums are made.
    private func differentiateInput(
        of unit: ConvolutionUnit, gradient: borrowing Buffer<Float>, before: ConvolutionUnit,
        adding addend: borrowing Buffer<Float>, _ store: ParameterStore, _ pass: Pass
    ) {
        differentiateInput(
            of: unit, gradient: gradient, before.output.values, before.output.coefficients, adding: addend,
            store, sums: &before.normalization.sampleSums, pass)
    }

    private func differentiateInput(
        of unit: ConvolutionUnit, gradient: borrowing Buffer<Float>, _ values: borrowing Buffer<Float>,
        _ coefficients: borrowing Buffer<Float>, adding addend: borrowing Buffer<Float>,
        _ store: ParameterStore, sums: inout Buffer<Double>, _ pass: Pass
    ) {
        let values = values.span
        let coefficients = coefficients.span
        let addend = addend.span
        unit.differentiateInput(
            gradient: gradient, store: store,
            epilogue: Epilogue(
                maskingBy: values, coefficients: coefficients, groups: pass.placement.groups, adding: addend),
            sums: &sums, pass)
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

// MARK: - Memory

extension ResidualBlock {
    /// The block's tensors in the plan at hand.
    private struct Planned {
        var outputs: [MemoryPlan.Tensor] = []
        var projected: MemoryPlan.Tensor?
        var joined: MemoryPlan.Tensor?
        var recalled: MemoryPlan.Tensor?
    }

    /// The forward pass of training.
    ///
    /// - Parameter keeps: Whether the finished values stay for the backward pass.
    func planForwardTraining(_ plan: inout MemoryPlan, keeps: Bool, _ pass: Pass) {
        planned = Planned()
        for unit in units { planned.outputs.append(unit.planForward(&plan, pass)) }
        if case .projection(let unit) = shortcut { planned.projected = unit.planForward(&plan, pass) }
        let joined = planFinish(&plan, into: self.joined, pass)
        planned.joined = joined
        if keeps {
            planned.recalled = plan.begin(
                pass.sampleCount * last.convolution.shape.outputCount, inPlaceOf: joined
            ) { [unowned self] in recalled.values = $0 }
        }
    }

    /// The values that the forward pass finished are not needed any more.
    func planForwardEnd(_ plan: inout MemoryPlan) {
        if let joined = planned.joined { plan.end(joined) }
    }

    /// `recalled` begins.
    func planRecall(_ plan: inout MemoryPlan, _ pass: Pass) {
        planned.recalled = planFinish(&plan, into: recalled, pass)
    }

    /// `recalled` is not needed any more.
    func planRecallEnd(_ plan: inout MemoryPlan) {
        if let recalled = planned.recalled { plan.end(recalled) }
    }

    private func planFinish(
        _ plan: inout MemoryPlan, into output: Activation, _ pass: Pass
    ) -> MemoryPlan.Tensor {
        let count = pass.sampleCount * last.convolution.shape.outputCount
        let result = plan.begin(count) { output.values = $0 }
        if case .subsampling = shortcut { plan.moment(count) { [unowned self] in subsampled = $0 } }
        return result
    }

    /// The backward pass.
    ///
    /// - Parameter gradient: That of the block's output; ends here.
    /// - Returns: `inputGradient`.
    func planBackward(
        _ plan: inout MemoryPlan, gradient: MemoryPlan.Tensor, _ pass: Pass
    ) -> MemoryPlan.Tensor {
        var addend = gradient
        switch shortcut {
        case .identity: break
        case .projection(let unit):
            unit.planParameters(&plan, pass)
            addend = unit.planInput(&plan, pass)
            if let projected = planned.projected { plan.end(projected) }
        case .subsampling(let shape):
            addend = plan.begin(pass.sampleCount * shape.inputCount) { [unowned self] in spreadGradient = $0 }
        }
        var current = gradient
        for i in stride(from: units.count - 1, to: 0, by: -1) {
            units[i].planParameters(&plan, pass)
            let next = units[i].planInput(&plan, pass)
            plan.end(planned.outputs[i])
            // The gradient at the block's end is the shortcut's, too, where that is the identity.
            if current != addend { plan.end(current) }
            current = next
        }
        units[0].planParameters(&plan, pass)
        let result = units[0].planInput(&plan, inPlaceOf: addend, pass)
        plan.end(planned.outputs[0])
        plan.end(current)
        plan.end(addend)
        return result
    }

    /// The forward pass of evaluation.
    ///
    /// - Parameter input: Ends here.
    /// - Returns: `output`.
    func planForwardEvaluation(
        _ plan: inout MemoryPlan, input: MemoryPlan.Tensor, _ pass: Pass
    ) -> MemoryPlan.Tensor {
        var current: MemoryPlan.Tensor?
        for unit in units.dropLast() {
            let next = unit.planForward(&plan, pass)
            if let current { plan.end(current) }
            current = next
        }
        var residual = input
        switch shortcut {
        case .identity: break
        case .projection(let unit): residual = unit.planForward(&plan, pass)
        case .subsampling(let shape):
            residual = plan.begin(pass.sampleCount * shape.outputCount) { [unowned self] in subsampled = $0 }
        }
        let result = last.planForward(&plan, inPlaceOf: residual, pass)
        if let current { plan.end(current) }
        if residual != input { plan.end(input) }
        plan.end(residual)
        return result
    }
}
