internal import Kernels
internal import Memory

extension ResNet {
    /// The last block of each stage.
    private var stageEnds: [Int] {
        blocks.indices.filter { $0 + 1 == blocks.count || blocks[$0 + 1].isFirstOfStage }
    }

    /// Number of stages, without the stem.
    var stageCount: Int { stageEnds.count }

    /// The stage that block `i` ends, counted from 1; `nil` if it ends none.
    func stage(endingWith i: Int) -> Int? { stageEnds.firstIndex(of: i).map { $0 + 1 } }

    /// Channels and positions of a stage's output; stage 0 is the stem.
    func mapShape(ofStage stage: Int) -> (channels: Int, positions: Int) {
        if stage > 0 {
            let block = blocks[stageEnds[stage - 1]]
            return (block.channels, block.positions)
        }
        let shape = pooling?.shape ?? stem.convolution.shape
        return (shape.outputChannels, shape.outputPositions)
    }

    /// Sets `features` from a map that replaces the output of `stage`.
    ///
    /// - Parameter map: Finished values, shape `[N, P, Q, K]`; consumed.
    func forward(
        _ map: consuming Buffer<Float>, afterStage stage: Int, store: ParameterStore, _ context: StepContext
    ) {
        precondition(
            context.mode == .evaluation && stage >= 1, "a pass from stage \(stage) in mode \(context.mode)")
        reserve(context)
        let input = Activation()
        input.values = map
        var current = input
        for i in blocks.indices where i > stageEnds[stage - 1] {
            blocks[i].forwardEvaluation(current, store: store, workspace: workspace, context)
            current = blocks[i].output
        }
        poolLast(current.values, context)
    }

    // MARK: - Gradients

    /// Gradient of the images, shape `[N, H, W, 3]`, after a backward pass in inspection.
    var imageGradient: Buffer<Float> { _read { yield stem.convolution.inputGradient } }

    /// Runs only the stem, in inspection mode, and passes its layers to `observe`.
    func forwardStem(
        _ images: borrowing Buffer<Float>, store: ParameterStore, _ context: StepContext,
        observe: LayerObserver
    ) throws {
        reserve(context)
        try stem.forwardKeeping(Prologue(images.span), store: store, context)
        pooling?.forward(stem.output, context)
        showStem(observe)
    }

    /// Sets `imageGradient` from the gradient of the stem's output.
    ///
    /// - Parameter gradient: Shape `[N, P, Q, K]`; overwritten.
    func backwardStem(_ gradient: inout Buffer<Float>, store: ParameterStore, _ context: StepContext) {
        if let pooling {
            pooling.backward(gradient, context)
            maskByStem(&pooling.inputGradient, context)
            differentiateStemInput(pooling.inputGradient, store, context)
        } else {
            maskByStem(&gradient, context)
            differentiateStemInput(gradient, store, context)
        }
    }

    /// Sets `imageGradient` from the gradient of the stem's normalised output.
    func differentiateStemInput(
        _ gradient: borrowing Buffer<Float>, _ store: ParameterStore, _ context: StepContext
    ) {
        stem.differentiateInput(
            gradient: gradient, store: store, epilogue: Epilogue(), sums: &workspace.noSums, context)
    }

    // MARK: - Observing

    /// Channels of the layers that `showStem` and `show(block:_:)` pass to the observer, without
    /// stages.
    func observedChannels(relus: Bool) -> [Int] {
        let unit = { (unit: ConvBN, appliesReLU: Bool) in
            [Int](repeating: unit.convolution.shape.outputChannels, count: appliesReLU && relus ? 2 : 1)
        }
        return unit(stem, true)
            + blocks.flatMap { block in
                var channels = block.units.dropLast().flatMap { unit($0, true) } + unit(block.last, false)
                if case .projection(let projection) = block.shortcut { channels += unit(projection, false) }
                return channels + (relus ? [block.channels] : [])
            }
    }

    func showStem(_ observe: LayerObserver) {
        show(.convolution, stem, observe)
        show(.relu, stem, observe)
        if let pooling {
            showStage(0, pooling.output, observe)
        } else {
            show(.stage(0), stem, observe)
        }
    }

    /// Passes the block's convolutions in the order of execution, its ReLUs, and the stage if the
    /// block ends one to `observe`.
    func show(block i: Int, _ observe: LayerObserver) {
        let block = blocks[i]
        for unit in block.units.dropLast() {
            show(.convolution, unit, observe)
            show(.relu, unit, observe)
        }
        show(.convolution, block.last, observe)
        if case .projection(let unit) = block.shortcut { show(.convolution, unit, observe) }
        show(.relu, block, observe)
        if let stage = stage(endingWith: i) { show(.stage(stage), block, observe) }
    }

    func showStage(_ stage: Int, _ map: Activation, _ observe: LayerObserver) {
        let (channels, positions) = mapShape(ofStage: stage)
        withSpans(map.values) {
            observe(LayerOutput(.stage(stage), $0, channels: channels, positions: positions))
        }
    }

    private func show(_ kind: LayerOutput.Kind, _ block: ResidualBlock, _ observe: LayerObserver) {
        withSpans(block.output.values) {
            observe(LayerOutput(kind, $0, channels: block.channels, positions: block.positions))
        }
    }

    private func show(_ kind: LayerOutput.Kind, _ unit: ConvBN, _ observe: LayerObserver) {
        let shape = unit.convolution.shape
        let isNormalized = kind != .convolution
        withSpans(unit.output.values, unit.output.coefficients) {
            observe(
                LayerOutput(
                    kind, $0, coefficients: isNormalized ? $1 : Span(), appliesReLU: isNormalized,
                    channels: shape.outputChannels, positions: shape.outputPositions))
        }
    }
}
