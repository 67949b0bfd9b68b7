internal import Kernels
internal import Memory
internal import Workers

/// A sequence of units with a shortcut around them (arXiv 1512.03385): a basic block has two units,
/// a bottleneck three.
final class ResidualBlock {
    /// The shortcut around the units.
    enum Shortcut {
        case identity
        /// A pointwise convolution with batch norm.
        case projection(ConvBN)
        /// Takes every second position and adds zero channels before and after ("option A").
        case subsampling(ConvolutionShape)
    }

    let units: [ConvBN]
    let shortcut: Shortcut
    /// Finished values, shape `[N, P, Q, K]`; in evaluation the last unit's output is used instead.
    let joined = Activation()
    /// The finished values in the backward pass, recomputed or kept.
    let recomputed = Activation()
    /// Output of a subsampling shortcut, and the gradient of its input, which no unit stores.
    var subsampled = Buffer<Float>(zeros: 0)
    var spreadGradient = Buffer<Float>(zeros: 0)
    private var isEvaluated = false
    var planned = Planned()

    init(units: [ConvBN], shortcut: Shortcut) {
        precondition(units.count >= 2, "a residual block of \(units.count) units")
        self.units = units
        self.shortcut = shortcut
    }

    /// The last unit, to whose output the shortcut's is added.
    var last: ConvBN { units[units.count - 1] }
    /// Finished values.
    var output: Activation { isEvaluated ? last.output : joined }

    /// All units, the shortcut's last.
    var allUnits: [ConvBN] {
        if case .projection(let unit) = shortcut { return units + [unit] }
        return units
    }
    /// Gradient of the block's input, set by `backward`.
    var inputGradient: Buffer<Float> { _read { yield units[0].inputGradient } }
    /// Whether computing the block's finished values needs those of the block before.
    var needsInputToFinish: Bool {
        switch shortcut {
        case .identity, .subsampling: true
        case .projection: false
        }
    }
    /// Whether the block changes the size or the channels of its input.
    var isFirstOfStage: Bool {
        switch shortcut {
        case .identity: false
        case .projection, .subsampling: true
        }
    }
    var channels: Int { last.convolution.shape.outputChannels }
    var positions: Int { last.convolution.shape.outputPositions }

    // MARK: - Forward

    /// Sets `output` and keeps what the backward pass needs. Normalises with the batch statistics,
    /// in inspection with the running ones.
    func forwardKeeping(
        _ input: Activation, store: ParameterStore, workspace: Workspace, _ context: StepContext
    ) throws {
        isEvaluated = false
        var current = input
        for unit in units {
            try unit.forwardKeeping(current, store: store, context)
            current = unit.output
        }
        if case .projection(let unit) = shortcut { try unit.forwardKeeping(input, store: store, context) }
        finish(input, into: joined, workspace, context)
    }

    /// Recomputes the finished values in `recomputed`.
    ///
    /// - Parameter input: As in the forward pass, if `needsInputToFinish`.
    func recompute(_ input: Activation, workspace: Workspace, _ context: StepContext) {
        finish(input, into: recomputed, workspace, context)
    }

    private func finish(
        _ input: Activation, into output: Activation, _ workspace: Workspace, _ context: StepContext
    ) {
        switch shortcut {
        case .identity:
            join(with: input, into: output, context)
        case .projection(let unit):
            join(with: unit.output, into: output, context)
        case .subsampling(let shape):
            precondition(input.coefficients.count == 0, "a subsampling shortcut needs finished values")
            subsample(input.values, shape, into: &subsampled, context)
            join(subsampled, workspace.none, appliesReLU: false, into: output, context)
        }
    }

    /// Sets `output`, normalised with the running statistics.
    func forwardEvaluation(
        _ input: Activation, store: ParameterStore, workspace: Workspace, _ context: StepContext
    ) {
        isEvaluated = true
        var current = input
        for unit in units.dropLast() {
            unit.forwardEvaluation(
                current.values, residual: workspace.none, appliesReLU: true, store: store,
                workspace: workspace,
                context)
            current = unit.output
        }
        switch shortcut {
        case .identity:
            last.forwardEvaluation(
                current.values, residual: input.values, appliesReLU: true, store: store, workspace: workspace,
                context)
        case .projection(let unit):
            unit.forwardEvaluation(
                input.values, residual: workspace.none, appliesReLU: false, store: store,
                workspace: workspace,
                context)
            last.forwardEvaluation(
                current.values, residual: unit.output.values, appliesReLU: true, store: store,
                workspace: workspace,
                context)
        case .subsampling(let shape):
            subsample(input.values, shape, into: &subsampled, context)
            last.forwardEvaluation(
                current.values, residual: subsampled, appliesReLU: true, store: store,
                workspace: workspace,
                context)
        }
    }

    private func join(with activation: Activation, into output: Activation, _ context: StepContext) {
        join(
            activation.values, activation.coefficients, appliesReLU: activation.appliesReLU, into: output,
            context)
    }

    private func join(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>, appliesReLU: Bool,
        into output: Activation, _ context: StepContext
    ) {
        let groups = context.placement.groups
        withPrologue(last.output.values, last.output.coefficients, groups: groups, appliesReLU: false) {
            own in
            let own = copy own
            withPrologue(values, coefficients, groups: groups, appliesReLU: appliesReLU) {
                add($0, to: own, into: &output.values, context)
            }
        }
    }

    private func add(
        _ other: borrowing Prologue, to own: borrowing Prologue, into output: inout Buffer<Float>,
        _ context: StepContext
    ) {
        output.reserve(context.sampleCount * last.convolution.shape.outputCount)
        var output = output.mutableSpan
        combine(
            own, adding: other, appliesReLU: true, channels: channels, positions: positions,
            sampleCount: context.sampleCount, into: &output, on: context.pool)
    }
}
