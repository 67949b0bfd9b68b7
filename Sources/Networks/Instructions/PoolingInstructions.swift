internal import Kernels
internal import Memory

/// Max-pooling; keeps the argmax of each output for the backward pass.
struct MaxPoolInstruction: Instruction {
    let shape: ConvolutionShape
    let input: MapView
    let output: PassTensor<Float>
    let choices: PassTensor<UInt8>
    /// The normalised input: overlapping windows read each value several times.
    let finished: PassTensor<Float>

    var reads: [any PlannedTensor] { [input.tensor].compactMap(\.self) }
    var writes: [any PlannedTensor] { [output, choices] }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] {
        input.planFinished(in: finished, &plan, context)
    }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        let count = context.sampleCount * shape.outputCount
        input.withFinished(in: finished, shape.inputMap(context), pass) { input in
            withSpans(into: &output.values, count: count, &choices.values, count: count) {
                maxPool(input, shape, into: &$0, choices: &$1, on: context.pool)
            }
        }
    }
}

struct MaxPoolGradientInstruction: Instruction {
    let shape: ConvolutionShape
    let gradient: MapView
    /// The gradient in 32 bits.
    let finished: PassTensor<Float>
    let choices: PassTensor<UInt8>
    let inputGradient: PassTensor<Float>

    var reads: [any PlannedTensor] { [gradient.tensor].compactMap(\.self) + [choices] }
    var writes: [any PlannedTensor] { [inputGradient] }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] {
        gradient.planFinished(in: finished, &plan, context)
    }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        gradient.withFinished(in: finished, shape.outputMap(context), pass) { gradient in
            withSpans(choices.values, into: &inputGradient.values, count: inputGradient.count(context)) {
                maxPoolGradient(gradient, choices: $0, shape, into: &$1, on: context.pool)
            }
        }
    }
}

/// The features: the means of a map over its positions.
struct FeatureInstruction: Instruction {
    let map: LayerGraph.Map
    let input: MapView
    /// The normalised input.
    let finished: PassTensor<Float>
    /// Shape `[N, D]`.
    let features: PassTensor<Float>

    var reads: [any PlannedTensor] { [input.tensor].compactMap(\.self) }
    var writes: [any PlannedTensor] { [] }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] {
        input.planFinished(in: finished, &plan, context)
    }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        input.withFinished(in: finished, map.shape(context), pass) { input in
            withSpans(into: &features.values, count: context.sampleCount * map.channels) {
                globalAveragePool(
                    input, channels: map.channels, positions: map.positions, into: &$0, on: context.pool)
            }
        }
    }
}

struct FeatureGradientInstruction: Instruction {
    let map: LayerGraph.Map
    let result: PassTensor<Float>

    var reads: [any PlannedTensor] { [] }
    var writes: [any PlannedTensor] { [result] }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        let gradient = pass.resultGradient
        withSpans(into: &result.values, count: context.sampleCount * map.count) {
            globalAveragePoolGradient(
                gradient, channels: map.channels, positions: map.positions, into: &$0, on: context.pool)
        }
    }
}

/// Takes over the gradient of a pass's result that is a map.
struct MapGradientInstruction: Instruction {
    let map: LayerGraph.Map
    let result: PassTensor<Float>

    var reads: [any PlannedTensor] { [] }
    var writes: [any PlannedTensor] { [result] }

    func run(_ pass: borrowing PassInputs) {
        let gradient = pass.resultGradient
        let count = pass.context.sampleCount * map.count
        withSpans(into: &result.values, count: count) {
            copy(gradient, from: 0, count: count, into: &$0, at: 0)
        }
    }
}

extension MapView {
    /// Begins the memory of `target` if `withFinished(in:_:_:)` needs it.
    func planFinished(
        in target: PassTensor<Float>, _ plan: inout MemoryPlan, _ context: StepContext
    ) -> [MemoryPlan.Tensor] {
        guard normalization != nil || tensor?.storage == .bfloat16 else { return [] }
        return [target.begin(in: &plan, sampleCount: context.sampleCount, inPlaceOf: nil)]
    }

    /// Calls `body` with finished values in 32 bits: those of the tensor, or in `target` the
    /// normalised or widened ones.
    ///
    /// - Parameter map: The tensor's shape.
    func withFinished(
        in target: PassTensor<Float>, _ map: MapShape, _ pass: borrowing PassInputs,
        _ body: (Span<Float>) -> Void
    ) {
        guard let tensor else { return body(pass.images) }
        guard normalization != nil || tensor.storage == .bfloat16 else {
            return withSpans(tensor.values, body)
        }
        let context = pass.context
        withPrologue(pass) { input in
            let input = copy input
            withSpans(into: &target.values, count: map.count) {
                store(input, map, into: &$0, on: context.pool)
            }
        }
        withSpans(target.values, body)
    }
}

extension ConvolutionShape {
    /// The shape of a pass's batch of inputs.
    func inputMap(_ context: StepContext) -> MapShape {
        MapShape(sampleCount: context.sampleCount, channels: channels, positions: height * width)
    }

    /// The shape of a pass's batch of outputs.
    func outputMap(_ context: StepContext) -> MapShape {
        MapShape(sampleCount: context.sampleCount, channels: outputChannels, positions: outputPositions)
    }
}
