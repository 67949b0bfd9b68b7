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

    let units: [ConvolutionUnit]
    let shortcut: Shortcut
    /// Finished values, shape `[N, P, Q, K]`; in evaluation the last unit's are used instead.
    let joined = Activation()
    /// The same in the backward pass, made anew or kept.
    let recalled = Activation()
    /// A shortcut's values, and the gradient of its input, where no unit has them.
    var subsampled = Buffer<Float>(zeros: 0)
    var spreadGradient = Buffer<Float>(zeros: 0)
    private var isEvaluated = false
    var planned = Planned()

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
    var channels: Int { last.convolution.shape.outputChannels }
    var positions: Int { last.convolution.shape.outputPositions }

    // MARK: - Forward

    /// Sets `output` by the batch's own statistics, in inspection by the running ones.
    func forwardKeeping(
        _ input: Activation, store: ParameterStore, workspace: Workspace, _ pass: Pass
    ) throws {
        isEvaluated = false
        var current = input
        for unit in units {
            try unit.forwardKeeping(current, store: store, pass)
            current = unit.output
        }
        if case .projection(let unit) = shortcut { try unit.forwardKeeping(input, store: store, pass) }
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
}
