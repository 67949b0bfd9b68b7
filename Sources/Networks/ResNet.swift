internal import Kernels
internal import Workers

/// A residual network without its classifier: images in, pooled features out.
final class ResNet {
    let featureDimension: Int
    let imageCount: Int
    let stem: ConvolutionUnit
    let pooling: MaxPooling2D?
    let blocks: [ResidualBlock]
    private let positions: Int
    let workspace = Workspace()
    /// Sums of all batch normalisations, one behind the other, each of shape `[groups, 2, C]`.
    private var stepSums = Buffer<Double>(zeros: 0)
    /// Gradient of the last block's output.
    private var gradient = Buffer<Float>(zeros: 0)
    /// Whether each block's finished values stay for the backward pass, and which ones are made anew before each block's.
    private let recall: RecallPlan
    private var layout = PlannedLayout()
    /// Shape `[N, D]`: the mean of the last stage over all positions.
    private(set) var features = Buffer<Float>(zeros: 0)

    init(_ architecture: ResidualArchitecture, in store: ParameterStore) {
        let stemShape = architecture.stemShape
        imageCount = stemShape.inputCount
        stem = ConvolutionUnit(("conv1", "bn1"), stemShape, architecture, rectifies: true, in: store)
        pooling = architecture.poolingShape.map(MaxPooling2D.init)
        blocks = architecture.blocks.map { ResidualBlock($0, architecture, in: store) }
        recall = RecallPlan(blocks)
        let shape = blocks[blocks.count - 1].last.convolution.shape
        featureDimension = shape.outputChannels
        positions = shape.outputPositions
    }

    /// Sets `features`.
    ///
    /// - Parameters:
    ///   - images: Shape `[N, H, W, 3]`, normalised.
    ///   - observe: Sees the results of layers as they are made.
    func forward(
        _ images: borrowing Buffer<Float>, store: ParameterStore, _ pass: Pass,
        observe: LayerObserver? = nil
    ) throws {
        reserve(pass)
        switch pass.mode {
        case .training, .inspection:
            try stem.forwardKeeping(images, workspace.none, rectifies: false, store: store, pass)
            pooling?.forward(stem.output, pass)
            if let observe { showStem(pass, observe) }
            for i in blocks.indices {
                try blocks[i].forwardKeeping(input(ofBlock: i), store: store, workspace: workspace, pass)
                if let observe { show(block: i, pass, observe) }
            }
        case .evaluation:
            stem.forwardEvaluation(
                images, residual: workspace.none, rectifies: true, store: store, workspace: workspace,
                pass)
            pooling?.forward(finished: stem.output.values, pass)
            if let observe { showStage(0, input(ofBlock: 0), pass, observe) }
            for i in blocks.indices {
                blocks[i].forwardEvaluation(input(ofBlock: i), store: store, workspace: workspace, pass)
                if let observe, let stage = stage(endingWith: i) {
                    showStage(stage, blocks[i].output, pass, observe)
                }
            }
        }
        poolLast(blocks[blocks.count - 1].output.values, pass)
    }

    /// Sets `features` to the means of a map of the last stage.
    func poolLast(_ map: borrowing Buffer<Float>, _ pass: Pass) {
        features.reserve(pass.sampleCount * featureDimension)
        pool(map, into: &features, pass)
    }

    /// Sets the gradients of all parameters, summed over the rank's lanes; in inspection that of the images instead, which
    /// `imageGradient` is.
    ///
    /// - Parameter featureGradient: Shape `[N, D]`.
    func backward(
        _ images: borrowing Buffer<Float>, featureGradient: borrowing Buffer<Float>, store: ParameterStore,
        _ pass: Pass
    ) throws {
        let last = blocks[blocks.count - 1]
        spread(featureGradient, into: &gradient, pass)
        mask(
            &gradient, byRectified: last.output.values, normalized: last.last.output.values,
            sums: &last.last.normalization.sampleSums, pass)
        for i in blocks.indices.reversed() {
            for k in recall.blocks(before: i) {
                blocks[k].recall(recalledInput(ofBlock: k), workspace: workspace, pass)
            }
            if i == blocks.count - 1 {
                try differentiate(block: i, gradient, store, pass)
            } else {
                try differentiate(block: i, blocks[i + 1].inputGradient, store, pass)
            }
        }
        if let pooling {
            pooling.backward(blocks[0].inputGradient, pass)
            maskByStem(&pooling.inputGradient, pass)
            try differentiateStem(images, pooling.inputGradient, store, pass)
        } else {
            try differentiateStem(images, blocks[0].inputGradient, store, pass)
        }
    }

    /// Moves the running statistics towards those of the step that ends with this pass.
    ///
    /// Where every group lies on one rank the ranks hear of each other's here, of all layers in one message.
    func followStatistics(store: ParameterStore, _ pass: Pass) throws {
        let norms = units.map(\.normalization)
        stepSums.reserve(norms.reduce(0) { $0 + $1.stepSumCount(pass) })
        try followStatistics(norms, &stepSums, store, pass)
    }

    private func followStatistics(
        _ norms: [BatchNormalization2D], _ sums: inout Buffer<Double>, _ store: ParameterStore, _ pass: Pass
    ) throws {
        let count = norms.reduce(0) { $0 + $1.stepSumCount(pass) }
        var whole = sums.mutableSpan
        var used = whole.part(0..<count)
        var start = 0
        for norm in norms {
            var own = used.part(start..<start + norm.stepSumCount(pass))
            norm.copyStepSums(into: &own)
            start += norm.stepSumCount(pass)
        }
        if !pass.placement.hasSharedGroups { try pass.sumAcrossRanks(&used) }
        start = 0
        for norm in norms {
            let end = start + norm.stepSumCount(pass)
            norm.follow(used.span.extracting(start..<end), store: store, pass)
            start = end
        }
    }

    /// Sets the gradient of what the stem has rectified to 0 where it cut.
    func maskByStem(_ gradient: inout Buffer<Float>, _ pass: Pass) {
        mask(
            &gradient, stem.output.values, stem.output.coefficients, sums: &stem.normalization.sampleSums,
            pass)
    }

    private func differentiate(
        block i: Int, _ gradient: borrowing Buffer<Float>, _ store: ParameterStore, _ pass: Pass
    ) throws {
        try blocks[i].backward(
            recalledInput(ofBlock: i), gradient: gradient, source: source(ofBlock: i), store: store,
            workspace: workspace, pass)
    }

    private func differentiateStem(
        _ images: borrowing Buffer<Float>, _ gradient: borrowing Buffer<Float>, _ store: ParameterStore,
        _ pass: Pass
    ) throws {
        guard pass.mode == .training else {
            stem.differentiateInput(
                gradient: gradient, store: store, epilogue: Epilogue(), sums: &workspace.noSums, pass)
            return
        }
        try stem.differentiateParameters(
            images, gradient: gradient, store: store, pass)
    }

    /// As `input(ofBlock:)`, in the backward pass.
    private func recalledInput(ofBlock i: Int) -> Activation {
        i > 0 ? blocks[i - 1].recalled : pooling?.output ?? stem.output
    }

    func input(ofBlock i: Int) -> Activation {
        i > 0 ? blocks[i - 1].output : pooling?.output ?? stem.output
    }

    private func source(ofBlock i: Int) -> ResidualBlock.Source {
        if i > 0 { return .block(blocks[i - 1]) }
        return pooling == nil ? .unit(stem) : .other
    }

    private func mask(
        _ gradient: inout Buffer<Float>, byRectified rectified: borrowing Buffer<Float>,
        normalized: borrowing Buffer<Float>, sums: inout Buffer<Double>, _ pass: Pass
    ) {
        let rectified = rectified.span
        let normalized = normalized.span
        var gradient = gradient.mutableSpan
        var sums = sums.mutableSpan
        maskGradient(
            &gradient, epilogue: Epilogue(maskingByRectified: rectified, normalized: normalized),
            channels: featureDimension, positions: positions, sampleCount: pass.sampleCount, sums: &sums,
            on: pass.pool)
    }

    private func mask(
        _ gradient: inout Buffer<Float>, _ normalized: borrowing Buffer<Float>,
        _ coefficients: borrowing Buffer<Float>, sums: inout Buffer<Double>, _ pass: Pass
    ) {
        let normalized = normalized.span
        let coefficients = coefficients.span
        let shape = stem.convolution.shape
        var gradient = gradient.mutableSpan
        var sums = sums.mutableSpan
        maskGradient(
            &gradient,
            epilogue: Epilogue(
                maskingBy: normalized, coefficients: coefficients, groups: pass.placement.groups),
            channels: shape.outputChannels, positions: shape.outputPositions, sampleCount: pass.sampleCount,
            sums: &sums, on: pass.pool)
    }

    private func pool(
        _ output: borrowing Buffer<Float>, into features: inout Buffer<Float>, _ pass: Pass
    ) {
        let output = output.span
        var whole = features.mutableSpan
        var used = whole.part(0..<pass.sampleCount * featureDimension)
        globalAveragePool(
            output, channels: featureDimension, positions: positions, into: &used, on: pass.pool)
    }

    private func spread(
        _ featureGradient: borrowing Buffer<Float>, into gradient: inout Buffer<Float>, _ pass: Pass
    ) {
        let count = pass.sampleCount * positions * featureDimension
        gradient.reserve(count)
        let featureGradient = featureGradient.span
        var whole = gradient.mutableSpan
        var used = whole.part(0..<count)
        globalAveragePoolGradient(
            featureGradient, channels: featureDimension, positions: positions, into: &used, on: pass.pool)
    }
}

// MARK: - Memory

extension ResNet {
    /// What the buffers at hand were planned for.
    private struct PlannedLayout {
        var mode: Pass.Mode?
        var sampleCount = 0
        var laneCount = 0
        var arena: Arena?
    }

    /// What a pass needs beside parameters, and when.
    func memoryPlan(_ pass: Pass) -> MemoryPlan {
        var plan = MemoryPlan()
        switch pass.mode {
        case .training, .inspection: planKeeping(&plan, pass)
        case .evaluation: planEvaluation(&plan, pass)
        }
        plan.place()
        return plan
    }

    /// All units, the stem first.
    private var units: [ConvolutionUnit] { [stem] + blocks.flatMap(\.allUnits) }

    /// Bytes that a pass takes for tensors, for sums and for each thread.
    func byteCounts(_ pass: Pass) -> (tensors: Int, sums: Int, thread: Int) {
        (
            memoryPlan(pass).byteCount,
            pass.mode != .evaluation ? units.reduce(0) { $0 + $1.normalization.byteCount(pass) } : 0,
            4 * max(units.map { $0.convolution.scratchCount(pass) }.max() ?? 0, matrixProductScratchCount)
        )
    }

    /// Lays out the tensors of a pass, unless those at hand will do; nothing is allocated after that.
    func reserve(_ pass: Pass) {
        let lanes = pass.placement.lanes.count
        guard
            layout.mode != pass.mode || layout.sampleCount < pass.sampleCount || layout.laneCount < lanes
        else { return }
        let plan = memoryPlan(pass)
        if (layout.arena?.byteCount ?? 0) < plan.byteCount {
            plan.bind(in: nil)
            layout.arena = nil
            layout.arena = Arena(byteCount: plan.byteCount)
        }
        plan.bind(in: layout.arena)
        layout.mode = pass.mode
        layout.sampleCount = pass.sampleCount
        layout.laneCount = lanes
    }

    private func planKeeping(_ plan: inout MemoryPlan, _ pass: Pass) {
        let stemOutput = stem.planForward(&plan, pass)
        if let pooling { _ = pooling.planForward(&plan, pass) }
        for i in blocks.indices {
            blocks[i].planForwardKeeping(&plan, keeps: recall.keeps[i], pass)
            if i > 0 { blocks[i - 1].planForwardEnd(&plan) }
        }
        var gradient = plan.begin(pass.sampleCount * positions * featureDimension) { [unowned self] in
            self.gradient = $0
        }
        blocks[blocks.count - 1].planForwardEnd(&plan)
        blocks[blocks.count - 1].planRecallEnd(&plan)
        for i in blocks.indices.reversed() {
            for k in recall.blocks(before: i) { blocks[k].planRecall(&plan, pass) }
            gradient = blocks[i].planBackward(&plan, gradient: gradient, pass)
            if i > 0 { blocks[i - 1].planRecallEnd(&plan) }
        }
        if let pooling { gradient = pooling.planBackward(&plan, gradient: gradient, pass) }
        stem.planParameters(&plan, pass)
        plan.end(gradient)
        plan.end(stemOutput)
    }

    private func planEvaluation(_ plan: inout MemoryPlan, _ pass: Pass) {
        var current = stem.planForward(&plan, pass)
        if let pooling {
            let pooled = pooling.planForward(&plan, pass)
            plan.end(current)
            current = pooled
        }
        for block in blocks { current = block.planForwardEvaluation(&plan, input: current, pass) }
        plan.end(current)
    }
}
