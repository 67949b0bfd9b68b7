internal import Kernels
internal import Memory

/// A residual network without its classifier: images in, pooled features out.
final class ResNet {
    let featureDimension: Int
    let imageCount: Int
    let stem: ConvBN
    let pooling: MaxPooling2D?
    let blocks: [ResidualBlock]
    private let positions: Int
    let workspace = Workspace()
    /// Sums of all batch normalisations, concatenated, each of shape `[groups, 2, C]`.
    private var stepSums = Buffer<Double>(zeros: 0)
    /// Gradient of the last block's output.
    private var gradient = Buffer<Float>(zeros: 0)
    /// Which blocks keep their finished values for the backward pass, and which ones are recomputed
    /// before each block's backward pass.
    private let recomputation: RecomputationPlan
    private var layout = PlannedLayout()
    /// Shape `[N, D]`: the mean of the last stage over all positions.
    private(set) var features = Buffer<Float>(zeros: 0)

    init(_ architecture: ResidualArchitecture, in store: ParameterStore) {
        let stemShape = architecture.stemShape
        imageCount = stemShape.inputCount
        stem = ConvBN(("conv1", "bn1"), stemShape, architecture, appliesReLU: true, in: store)
        pooling = architecture.poolingShape.map(MaxPooling2D.init)
        blocks = architecture.blocks.map { ResidualBlock($0, architecture, in: store) }
        recomputation = RecomputationPlan(blocks)
        let shape = blocks[blocks.count - 1].last.convolution.shape
        featureDimension = shape.outputChannels
        positions = shape.outputPositions
    }

    /// Sets `features`.
    ///
    /// - Parameters:
    ///   - images: Shape `[N, H, W, 3]`, normalised.
    ///   - observe: Receives the outputs of layers as they are computed.
    func forward(
        _ images: borrowing Buffer<Float>, store: ParameterStore, _ context: StepContext,
        observe: LayerObserver? = nil
    ) throws {
        reserve(context)
        switch context.mode {
        case .training, .inspection:
            try stem.forwardKeeping(Prologue(images.span), store: store, context)
            pooling?.forward(stem.output, context)
            if let observe { showStem(observe) }
            for i in blocks.indices {
                try blocks[i].forwardKeeping(input(ofBlock: i), store: store, context)
                if let observe { show(block: i, observe) }
            }
        case .evaluation:
            stem.forwardEvaluation(
                images, residual: workspace.none, appliesReLU: true, store: store, workspace: workspace,
                context)
            pooling?.forward(finished: stem.output.values, context)
            if let observe { showStage(0, input(ofBlock: 0), observe) }
            for i in blocks.indices {
                blocks[i].forwardEvaluation(input(ofBlock: i), store: store, workspace: workspace, context)
                if let observe, let stage = stage(endingWith: i) {
                    showStage(stage, blocks[i].output, observe)
                }
            }
        }
        poolLast(blocks[blocks.count - 1].output.values, context)
    }

    /// Sets `features` to the means of a map of the last stage.
    func poolLast(_ map: borrowing Buffer<Float>, _ context: StepContext) {
        withSpans(map, into: &features, count: context.sampleCount * featureDimension) {
            globalAveragePool(
                $0, channels: featureDimension, positions: positions, into: &$1, on: context.pool)
        }
    }

    /// Sets the gradients of all parameters, summed over the rank's microbatches; in inspection
    /// mode sets `imageGradient` instead.
    ///
    /// - Parameter featureGradient: Shape `[N, D]`.
    func backward(
        _ images: borrowing Buffer<Float>, featureGradient: borrowing Buffer<Float>, store: ParameterStore,
        _ context: StepContext
    ) throws {
        let map = MapShape(sampleCount: context.sampleCount, channels: featureDimension, positions: positions)
        withSpans(featureGradient, into: &gradient, count: map.count) {
            globalAveragePoolGradient(
                $0, channels: featureDimension, positions: positions, into: &$1, on: context.pool)
        }
        let last = blocks[blocks.count - 1]
        withSpans(last.output.values, last.last.output.values) { reluOutput, normalized in
            withSpans(into: &gradient, &last.last.normalization.sampleSums) {
                maskGradient(
                    &$0, epilogue: Epilogue(maskingByReLU: reluOutput, normalized: normalized), map,
                    sums: &$1, on: context.pool)
            }
        }
        for i in blocks.indices.reversed() {
            for k in recomputation.blocks(before: i) {
                blocks[k].recompute(recomputedInput(ofBlock: k), context)
            }
            if i == blocks.count - 1 {
                try differentiate(block: i, gradient, store, context)
            } else {
                try differentiate(block: i, blocks[i + 1].inputGradient, store, context)
            }
        }
        if let pooling {
            pooling.backward(blocks[0].inputGradient, context)
            maskByStem(&pooling.inputGradient, context)
            try differentiateStem(images, pooling.inputGradient, store, context)
        } else {
            try differentiateStem(images, blocks[0].inputGradient, store, context)
        }
    }

    /// Updates the running statistics with the batch statistics of the step that ends with this
    /// pass.
    ///
    /// If no batch-norm group spans ranks, the statistics of all layers are all-reduced here in one
    /// message.
    func updateRunningStatistics(store: ParameterStore, _ context: StepContext) throws {
        let norms = units.map(\.normalization)
        let count = norms.reduce(0) { $0 + $1.groupSumCount(context) }
        try withSpans(into: &stepSums, count: count) { sums in
            var start = 0
            for norm in norms {
                var own = sums.part(start..<start + norm.groupSumCount(context))
                norm.copyStepSums(into: &own)
                start += norm.groupSumCount(context)
            }
            if !context.placement.hasSharedGroups { try context.sumAcrossRanks(&sums) }
            start = 0
            for norm in norms {
                let end = start + norm.groupSumCount(context)
                norm.updateRunningStatistics(sums.span.extracting(start..<end), store: store, context)
                start = end
            }
        }
    }

    /// Sets the gradient of the stem's ReLU to 0 where its input was not above 0.
    func maskByStem(_ gradient: inout Buffer<Float>, _ context: StepContext) {
        let output = stem.output
        let map = MapShape(outputOf: stem.convolution.shape, sampleCount: context.sampleCount)
        withSpans(output.values, output.coefficients) { values, coefficients in
            withSpans(into: &gradient, &stem.normalization.sampleSums) {
                maskGradient(
                    &$0,
                    epilogue: Epilogue(
                        maskingBy: values, coefficients: coefficients, groups: context.placement.groups),
                    map, sums: &$1, on: context.pool)
            }
        }
    }

    private func differentiate(
        block i: Int, _ gradient: borrowing Buffer<Float>, _ store: ParameterStore, _ context: StepContext
    ) throws {
        try blocks[i].backward(
            recomputedInput(ofBlock: i), gradient: gradient, source: source(ofBlock: i), store: store,
            workspace: workspace, context)
    }

    private func differentiateStem(
        _ images: borrowing Buffer<Float>, _ gradient: borrowing Buffer<Float>, _ store: ParameterStore,
        _ context: StepContext
    ) throws {
        guard context.mode == .training else {
            differentiateStemInput(gradient, store, context)
            return
        }
        try stem.differentiateParameters(images, gradient: gradient, store: store, context)
    }

    /// `input(ofBlock:)` for the backward pass.
    private func recomputedInput(ofBlock i: Int) -> Activation {
        i > 0 ? blocks[i - 1].recomputed : pooling?.output ?? stem.output
    }

    func input(ofBlock i: Int) -> Activation {
        i > 0 ? blocks[i - 1].output : pooling?.output ?? stem.output
    }

    private func source(ofBlock i: Int) -> ResidualBlock.Source {
        if i > 0 { return .block(blocks[i - 1]) }
        return pooling == nil ? .unit(stem) : .other
    }
}

// MARK: - Memory

extension ResNet {
    /// The pass for which the current buffers were planned.
    private struct PlannedLayout {
        var mode: StepContext.Mode?
        var sampleCount = 0
        var microbatchCount = 0
        var arena: Arena?
    }

    /// The tensors of a pass and their lifetimes, without parameters.
    func memoryPlan(_ context: StepContext) -> MemoryPlan {
        var plan = MemoryPlan()
        switch context.mode {
        case .training, .inspection: planKeeping(&plan, context)
        case .evaluation: planEvaluation(&plan, context)
        }
        plan.place()
        return plan
    }

    /// All units, the stem first.
    private var units: [ConvBN] { [stem] + blocks.flatMap(\.allUnits) }

    /// Bytes that a pass takes for tensors, for sums and per thread.
    func byteCounts(_ context: StepContext) -> (tensors: Int, sums: Int, thread: Int) {
        (
            memoryPlan(context).byteCount,
            context.mode != .evaluation ? units.reduce(0) { $0 + $1.normalization.byteCount(context) } : 0,
            4 * max(units.map { $0.convolution.scratchCount(context) }.max() ?? 0, matrixProductScratchCount)
        )
    }

    /// Lays out the tensors of a pass, unless the current layout suffices; the pass then allocates
    /// nothing.
    func reserve(_ context: StepContext) {
        let microbatches = context.placement.microbatches.count
        guard
            layout.mode != context.mode || layout.sampleCount < context.sampleCount
                || layout.microbatchCount < microbatches
        else { return }
        let plan = memoryPlan(context)
        if (layout.arena?.byteCount ?? 0) < plan.byteCount {
            plan.bind(in: nil)
            layout.arena = nil
            layout.arena = Arena(byteCount: plan.byteCount)
        }
        plan.bind(in: layout.arena)
        layout.mode = context.mode
        layout.sampleCount = context.sampleCount
        layout.microbatchCount = microbatches
    }

    private func planKeeping(_ plan: inout MemoryPlan, _ context: StepContext) {
        let stemOutput = stem.planForward(&plan, context)
        if let pooling { _ = pooling.planForward(&plan, context) }
        for i in blocks.indices {
            blocks[i].planForwardKeeping(&plan, keeps: recomputation.keeps[i], context)
            if i > 0 { blocks[i - 1].planForwardEnd(&plan) }
        }
        var gradient = plan.begin(context.sampleCount * positions * featureDimension) { [unowned self] in
            self.gradient = $0
        }
        blocks[blocks.count - 1].planForwardEnd(&plan)
        blocks[blocks.count - 1].planRecomputationEnd(&plan)
        for i in blocks.indices.reversed() {
            for k in recomputation.blocks(before: i) { blocks[k].planRecomputation(&plan, context) }
            gradient = blocks[i].planBackward(&plan, gradient: gradient, context)
            if i > 0 { blocks[i - 1].planRecomputationEnd(&plan) }
        }
        if let pooling { gradient = pooling.planBackward(&plan, gradient: gradient, context) }
        stem.convolution.planWeights(&plan, context)
        plan.end(gradient)
        plan.end(stemOutput)
    }

    private func planEvaluation(_ plan: inout MemoryPlan, _ context: StepContext) {
        var current = stem.planForward(&plan, context)
        if let pooling {
            let pooled = pooling.planForward(&plan, context)
            plan.end(current)
            current = pooled
        }
        for block in blocks { current = block.planForwardEvaluation(&plan, input: current, context) }
        plan.end(current)
    }
}
