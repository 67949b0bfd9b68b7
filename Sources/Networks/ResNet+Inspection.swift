internal import Kernels
internal import Workers

extension ResNet {
    /// The last block of each stage.
    private var stageEnds: [Int] {
        blocks.indices.filter { $0 + 1 == blocks.count || blocks[$0 + 1].isFirstOfStage }
    }

    /// Stages, the stem not counted.
    var stageCount: Int { stageEnds.count }

    /// The stage that block `i` ends, counted from 1; `nil` if it ends none.
    func stage(endingWith i: Int) -> Int? { stageEnds.firstIndex(of: i).map { $0 + 1 } }

    /// Channels and positions of a stage's map, that of the stem being 0.
    func mapShape(ofStage stage: Int) -> (channels: Int, positions: Int) {
        if stage > 0 {
            let block = blocks[stageEnds[stage - 1]]
            return (block.channels, block.positions)
        }
        let shape = pooling?.shape ?? stem.convolution.shape
        return (shape.outputChannels, shape.outputPositions)
    }

    /// Sets `features` from a map that stands for that of `stage`.
    ///
    /// - Parameter map: Finished values, shape `[N, P, Q, K]`; used up.
    func forward(_ map: consuming Buffer<Float>, afterStage stage: Int, store: ParameterStore, _ pass: Pass) {
        precondition(
            pass.mode == .evaluation && stage >= 1, "a pass from stage \(stage) in mode \(pass.mode)")
        reserve(pass)
        let input = Activation()
        input.values = map
        var current = input
        for i in blocks.indices where i > stageEnds[stage - 1] {
            blocks[i].forwardEvaluation(current, store: store, workspace: workspace, pass)
            current = blocks[i].output
        }
        poolLast(current.values, pass)
    }

    // MARK: - Gradients

    /// Gradient of the images, shape `[N, H, W, 3]`, after a backward pass in inspection.
    var imageGradient: Buffer<Float> { _read { yield stem.inputGradient } }

    /// Shows the map of the stem, in inspection, and goes no further.
    func forwardStem(
        _ images: borrowing Buffer<Float>, store: ParameterStore, _ pass: Pass, observe: LayerObserver
    ) throws {
        reserve(pass)
        try stem.forwardKeeping(images, workspace.none, rectifies: false, store: store, pass)
        pooling?.forward(stem.output, pass)
        showStem(pass, observe)
    }

    /// Sets `imageGradient` from the gradient of the stem's map.
    ///
    /// - Parameter gradient: Shape `[N, P, Q, K]`; used up.
    func backwardStem(_ gradient: inout Buffer<Float>, store: ParameterStore, _ pass: Pass) {
        if let pooling {
            pooling.backward(gradient, pass)
            maskByStem(&pooling.inputGradient, pass)
            differentiateStem(pooling.inputGradient, store, pass)
        } else {
            maskByStem(&gradient, pass)
            differentiateStem(gradient, store, pass)
        }
    }

    private func differentiateStem(
        _ gradient: borrowing Buffer<Float>, _ store: ParameterStore, _ pass: Pass
    ) {
        stem.differentiateInput(
            gradient: gradient, store: store, epilogue: Epilogue(), sums: &workspace.noSums, pass)
    }

    // MARK: - Showing

    /// Channels of what `showStem` and `show(block:_:_:)` show, stages left out.
    func observedChannels(rectifiers: Bool) -> [Int] {
        let unit = { (unit: ConvolutionUnit, rectifies: Bool) in
            [Int](repeating: unit.convolution.shape.outputChannels, count: rectifies && rectifiers ? 2 : 1)
        }
        return unit(stem, true)
            + blocks.flatMap { block in
                var channels = block.units.dropLast().flatMap { unit($0, true) } + unit(block.last, false)
                if case .projection(let projection) = block.shortcut { channels += unit(projection, false) }
                return channels + (rectifiers ? [block.channels] : [])
            }
    }

    func showStem(_ pass: Pass, _ observe: LayerObserver) {
        show(.convolution, stem, observe)
        show(.rectifier, stem, observe)
        if let pooling {
            showStage(0, pooling.output, pass, observe)
        } else {
            show(.stage(0), stem, observe)
        }
    }

    /// Its convolutions in the order of the work, its rectifiers, and the stage if it ends one.
    func show(block i: Int, _ pass: Pass, _ observe: LayerObserver) {
        let block = blocks[i]
        for unit in block.units.dropLast() {
            show(.convolution, unit, observe)
            show(.rectifier, unit, observe)
        }
        show(.convolution, block.last, observe)
        if case .projection(let unit) = block.shortcut { show(.convolution, unit, observe) }
        show(.rectifier, block, observe)
        if let stage = stage(endingWith: i) { show(.stage(stage), block, observe) }
    }

    func showStage(_ stage: Int, _ map: Activation, _ pass: Pass, _ observe: LayerObserver) {
        let (channels, positions) = mapShape(ofStage: stage)
        show(
            .stage(stage), map.values, workspace.none, rectifies: false, channels: channels,
            positions: positions, observe)
    }

    private func show(_ kind: LayerOutput.Kind, _ block: ResidualBlock, _ observe: LayerObserver) {
        show(
            kind, block.output.values, workspace.none, rectifies: false, channels: block.channels,
            positions: block.positions, observe)
    }

    private func show(_ kind: LayerOutput.Kind, _ unit: ConvolutionUnit, _ observe: LayerObserver) {
        let shape = unit.convolution.shape
        if kind == .convolution {
            show(
                kind, unit.output.values, workspace.none, rectifies: false, channels: shape.outputChannels,
                positions: shape.outputPositions, observe)
        } else {
            show(
                kind, unit.output.values, unit.output.coefficients, rectifies: true,
                channels: shape.outputChannels, positions: shape.outputPositions, observe)
        }
    }

    private func show(
        _ kind: LayerOutput.Kind, _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>,
        rectifies: Bool, channels: Int, positions: Int, _ observe: LayerObserver
    ) {
        let values = values.span
        let coefficients = coefficients.span
        observe(
            LayerOutput(
                kind, values, coefficients: coefficients, rectifies: rectifies, channels: channels,
                positions: positions))
    }
}
