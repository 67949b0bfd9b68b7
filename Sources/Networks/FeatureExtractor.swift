internal import Kernels
internal import Memory

/// A network without its head: images in, pooled features out.
final class FeatureExtractor {
    let layers: NetworkLayers
    /// Shape `[N, D]`: the mean of the last map over all positions.
    private let pooled: PassTensor<Float>
    private var programs: [Program.Kind: Program] = [:]
    private let memory: PassMemory
    /// Sums of all batch normalisations, concatenated, each of shape `[groups, 2, C]`.
    private var stepSums = Buffer<Double>(zeros: 0)

    init(
        _ graph: LayerGraph, _ convolutions: PassSelection, in store: ParameterStore,
        memory: PassMemory = PassMemory()
    ) {
        self.memory = memory
        layers = NetworkLayers(graph, convolutions, in: store)
        pooled = PassTensor(sampleSize: graph[graph.output].map.channels)
    }

    var graph: LayerGraph { layers.graph }
    var featureDimension: Int { pooled.sampleSize }
    /// Elements of one image.
    var imageCount: Int { graph[graph.images].map.count }
    /// Shape `[N, D]`.
    var features: Buffer<Float> { _read { yield pooled.values } }

    /// Sets `features`.
    ///
    /// - Parameters:
    ///   - images: Shape `[N, H, W, 3]`, normalised.
    ///   - observe: Receives the outputs of layers as they are computed.
    func forward(
        _ images: borrowing Buffer<Float>, store: ParameterStore, _ context: StepContext,
        observe: LayerObserver? = nil
    ) throws {
        let program = reserve(Program.Kind(context.mode), context)
        try withSpans(images) {
            try program.code.run(
                0..<program.forwardEnd,
                PassInputs(images: $0, resultGradient: Span(), store, context), observe: observe)
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
        let program = reserve(Program.Kind(context.mode), context)
        try withSpans(images, featureGradient) {
            try program.code.run(
                program.forwardEnd..<program.code.instructions.count,
                PassInputs(images: $0, resultGradient: $1, store, context))
        }
    }

    /// Updates the running statistics with the batch statistics of the step that ends with this
    /// pass.
    ///
    /// If no batch-norm group spans ranks, the statistics of all layers are all-reduced here in one
    /// message.
    func updateRunningStatistics(store: ParameterStore, _ context: StepContext) throws {
        let norms = layers.normalizations.filter { !$0.hasFixedStatistics }
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
}

// MARK: - Frozen layers

extension FeatureExtractor {
    /// Fixes the statistics of the normalisations whose parameters are not trained, or lets them
    /// follow the batches like the others.
    func fixStatisticsOfFrozenLayers(_ areFixed: Bool) {
        for norm in layers.normalizations {
            norm.hasFixedStatistics = areFixed && !layers.store.isTrained(norm.parameters)
        }
        memory.release()
        programs = [:]
    }
}

// MARK: - Programs

extension FeatureExtractor {
    /// The instructions of a kind of pass.
    struct Program {
        enum Kind: Hashable {
            case training, inspection, evaluation
            /// Only the stem, in inspection mode.
            case stem

            init(_ mode: StepContext.Mode) {
                switch mode {
                case .training: self = .training
                case .inspection: self = .inspection
                case .evaluation: self = .evaluation
                }
            }

            var mode: StepContext.Mode {
                switch self {
                case .training: .training
                case .inspection, .stem: .inspection
                case .evaluation: .evaluation
                }
            }
        }

        let code: PassProgram
        /// Number of instructions of the forward pass.
        let forwardEnd: Int
    }

    private func program(_ kind: Program.Kind) -> Program {
        if let known = programs[kind] { return known }
        let program = makeProgram(kind)
        programs[kind] = program
        return program
    }

    private func makeProgram(_ kind: Program.Kind) -> Program {
        let output = kind == .stem ? graph.stages[0] : graph.output
        let map = graph[output].map
        var forward = ForwardLowering(layers, mode: kind.mode, to: output)
        let value = forward.outputValue()
        var code = forward.program
        if kind != .stem {
            code.append(
                FeatureInstruction(
                    map: map, input: value.view, finished: PassTensor(sampleSize: map.count),
                    features: pooled))
        }
        let end = code.instructions.count
        guard kind != .evaluation, value.needsGradient else { return Program(code: code, forwardEnd: end) }
        let gradient = PassTensor<Float>(sampleSize: map.count)
        if kind == .stem {
            code.append(MapGradientInstruction(map: map, result: gradient))
        } else {
            code.append(FeatureGradientInstruction(map: map, result: gradient))
        }
        let backward = BackwardLowering(forward, code, from: value, gradient: gradient)
        return Program(code: backward.program, forwardEnd: end)
    }

    /// Bytes that a pass takes for tensors, for sums and per thread.
    func byteCounts(_ context: StepContext) -> (tensors: Int, sums: Int, thread: Int) {
        let sums =
            context.mode == .evaluation
            ? 0 : layers.normalizations.reduce(0) { $0 + $1.byteCount(context) }
        return (
            program(Program.Kind(context.mode)).code.memoryPlan(context).byteCount, sums,
            4 * max(layers.scratchCount(context), matrixProductScratchCount)
        )
    }

    /// A program whose tensors have memory for a pass.
    private func reserve(_ kind: Program.Kind, _ context: StepContext) -> Program {
        let program = program(kind)
        memory.reserve(kind, of: self, context) { program.code.memoryPlan(context) }
        return program
    }
}

// MARK: - Inspection

extension FeatureExtractor {
    /// Number of stages, without the stem.
    var stageCount: Int { graph.stages.count - 1 }

    /// Channels and positions of a stage's output; stage 0 is the stem.
    func mapShape(ofStage stage: Int) -> (channels: Int, positions: Int) {
        let map = graph[graph.stages[stage]].map
        return (map.channels, map.positions)
    }

    /// Channels of every convolution, and with `relus` of every ReLU, in the order in which
    /// inspection passes them to the observer.
    func observedChannels(relus: Bool) -> [Int] {
        graph.entries.filter {
            switch $0.layer {
            case .convolution: true
            case .relu: relus
            case .images, .batchNorm, .sum, .maxPool, .subsampling, .blur, .dropout: false
            }
        }.map(\.map.channels)
    }

    /// Sets `features` from a map that replaces the output of `stage`.
    ///
    /// - Parameter map: Shape `[N, P, Q, K]`; consumed.
    func forward(
        _ map: consuming Buffer<Float>, afterStage stage: Int, store: ParameterStore, _ context: StepContext
    ) throws {
        precondition(
            context.mode == .evaluation && stage >= 1, "a pass from stage \(stage) in mode \(context.mode)")
        let program = reserve(.evaluation, context)
        let (end, value) = program.code.stages[stage]
        guard let tensor = value.view.tensor else { return }
        // The tensor gets its own memory back.
        swap(&tensor.values, &map)
        defer { swap(&tensor.values, &map) }
        try program.code.run(
            end..<program.forwardEnd, PassInputs(images: Span(), resultGradient: Span(), store, context))
    }

    /// Gradient of the images, shape `[N, H, W, 3]`, after a backward pass in inspection.
    var imageGradient: Buffer<Float> {
        _read {
            let kind: Program.Kind = memory.isHeld(.stem, by: self) ? .stem : .inspection
            guard let gradient = program(kind).code.imageGradient else {
                preconditionFailure("no gradient of images")
            }
            yield gradient.values
        }
    }

    /// Runs only the stem, in inspection mode, and passes its layers to `observe`.
    func forwardStem(
        _ images: borrowing Buffer<Float>, store: ParameterStore, _ context: StepContext,
        observe: @escaping LayerObserver
    ) throws {
        let program = reserve(.stem, context)
        try withSpans(images) {
            try program.code.run(
                0..<program.forwardEnd, PassInputs(images: $0, resultGradient: Span(), store, context),
                observe: observe)
        }
    }

    /// Sets `imageGradient` from the gradient of the stem's output.
    ///
    /// - Parameter gradient: Shape `[N, P, Q, K]`.
    func backwardStem(
        _ gradient: borrowing Buffer<Float>, store: ParameterStore, _ context: StepContext
    ) throws {
        let program = reserve(.stem, context)
        try withSpans(gradient) {
            try program.code.run(
                program.forwardEnd..<program.code.instructions.count,
                PassInputs(images: Span(), resultGradient: $0, store, context))
        }
    }
}
