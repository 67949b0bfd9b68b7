internal import Kernels
internal import Memory

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
    var inputGradient: Buffer<Float> { _read { yield units[0].convolution.inputGradient } }
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
        _ input: Activation, store: ParameterStore, _ context: StepContext
    ) throws {
        isEvaluated = false
        var current = input
        for unit in units {
            try unit.forwardKeeping(current, store: store, context)
            current = unit.output
        }
        if case .projection(let unit) = shortcut { try unit.forwardKeeping(input, store: store, context) }
        finish(input, into: joined, context)
    }

    /// Recomputes the finished values in `recomputed`.
    ///
    /// - Parameter input: As in the forward pass, if `needsInputToFinish`.
    func recompute(_ input: Activation, _ context: StepContext) {
        finish(input, into: recomputed, context)
    }

    private func finish(_ input: Activation, into output: Activation, _ context: StepContext) {
        switch shortcut {
        case .identity:
            join(with: input, into: output, context)
        case .projection(let unit):
            join(with: unit.output, into: output, context)
        case .subsampling(let shape):
            precondition(input.coefficients.count == 0, "a subsampling shortcut needs finished values")
            subsample(input.values, shape, into: &subsampled, context)
            withSpans(subsampled) { join(Prologue($0), into: output, context) }
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

    private func join(with other: Activation, into output: Activation, _ context: StepContext) {
        other.withPrologue(groups: context.placement.groups) { join($0, into: output, context) }
    }

    /// Adds `other` to the output of the last unit; a ReLU follows.
    private func join(_ other: borrowing Prologue, into output: Activation, _ context: StepContext) {
        let other = copy other
        let map = MapShape(outputOf: last.convolution.shape, sampleCount: context.sampleCount)
        last.output.withPrologue(groups: context.placement.groups, appliesReLU: false) { own in
            let own = copy own
            withSpans(into: &output.values, count: map.count) {
                combine(own, adding: other, appliesReLU: true, map, into: &$0, on: context.pool)
            }
        }
    }
}
