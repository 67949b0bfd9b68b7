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
    private var subsampled = Buffer<Float>(zeros: 0)
    private let none = Buffer<Float>(zeros: 0)

    init(units: [ConvolutionUnit], shortcut: Shortcut) {
        precondition(units.count >= 2, "a residual block of \(units.count) units")
        self.units = units
        self.shortcut = shortcut
    }

    /// The unit whose output is the block's.
    var last: ConvolutionUnit { units[units.count - 1] }

    func forward(_ input: borrowing Buffer<Float>, store: ParameterStore, _ pass: Pass) throws {
        try units[0].forward(input, residual: none, store: store, pass)
        for i in 1..<units.count - 1 {
            try units[i].forward(units[i - 1].output, residual: none, store: store, pass)
        }
        let inner = units[units.count - 2]
        switch shortcut {
        case .identity:
            try last.forward(inner.output, residual: input, store: store, pass)
        case .projection(let unit):
            try unit.forward(input, residual: none, store: store, pass)
            try last.forward(inner.output, residual: unit.output, store: store, pass)
        case .subsampling(let shape):
            subsample(input, shape, into: &subsampled, pass)
            try last.forward(inner.output, residual: subsampled, store: store, pass)
        }
    }

    /// Turns `gradient` from that of the block's output into that of its input.
    func backward(
        _ input: borrowing Buffer<Float>, gradient: inout Buffer<Float>, store: ParameterStore,
        workspace: GradientWorkspace, _ pass: Pass
    ) throws {
        try last.backward(
            units[units.count - 2].output, gradient: &gradient, store: store, into: &workspace.inner,
            workspace: workspace, pass)
        for i in stride(from: units.count - 2, to: 0, by: -1) {
            try units[i].backward(
                units[i - 1].output, gradient: &workspace.inner, store: store, into: &workspace.nextInner,
                workspace: workspace, pass)
            swap(&workspace.inner, &workspace.nextInner)
        }
        try units[0].backward(
            input, gradient: &workspace.inner, store: store, into: &workspace.outer, workspace: workspace,
            pass)
        let count = pass.sampleCount * units[0].convolution.shape.inputCount
        switch shortcut {
        case .identity:
            add(gradient, to: &workspace.outer, count: count, pass)
        case .projection(let unit):
            try unit.backward(
                input, gradient: &gradient, store: store, into: &workspace.shortcut, workspace: workspace,
                pass)
            add(workspace.shortcut, to: &workspace.outer, count: count, pass)
        case .subsampling(let shape):
            addSubsampled(gradient, shape, to: &workspace.outer, pass)
        }
        swap(&gradient, &workspace.outer)
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

    private func addSubsampled(
        _ gradient: borrowing Buffer<Float>, _ shape: ConvolutionShape, to target: inout Buffer<Float>,
        _ pass: Pass
    ) {
        let gradient = gradient.span
        var whole = target.mutableSpan
        var used = whole.part(0..<pass.sampleCount * shape.inputCount)
        accumulateSubsampledGradient(gradient, shape, into: &used, on: pass.pool)
    }

    private func add(
        _ values: borrowing Buffer<Float>, to target: inout Buffer<Float>, count: Int, _ pass: Pass
    ) {
        let values = values.span
        var whole = target.mutableSpan
        var used = whole.part(0..<count)
        accumulate(values, into: &used, on: pass.pool)
    }
}
