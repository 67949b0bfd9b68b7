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
        input.withFinished(in: finished, pass) { input in
            withSpans(into: &output.values, count: count, &choices.values, count: count) {
                maxPool(input, shape, into: &$0, choices: &$1, on: context.pool)
            }
        }
    }
}

struct MaxPoolGradientInstruction: Instruction {
    let shape: ConvolutionShape
    let gradient: PassTensor<Float>
    let choices: PassTensor<UInt8>
    let inputGradient: PassTensor<Float>

    var reads: [any PlannedTensor] { [gradient, choices] }
    var writes: [any PlannedTensor] { [inputGradient] }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        withSpans(
            gradient.values, choices.values, into: &inputGradient.values,
            count: context.sampleCount * shape.inputCount
        ) {
            maxPoolGradient($0, choices: $1, shape, into: &$2, on: context.pool)
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
        input.withFinished(in: finished, pass) { input in
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
        guard normalization != nil else { return [] }
        return [target.begin(in: &plan, sampleCount: context.sampleCount, inPlaceOf: nil)]
    }

    /// Calls `body` with finished values: those of the tensor, or in `target` the normalised ones.
    func withFinished(
        in target: PassTensor<Float>, _ pass: borrowing PassInputs, _ body: (Span<Float>) -> Void
    ) {
        guard let tensor else { return body(pass.images) }
        guard let normalization else { return withSpans(tensor.values, body) }
        let context = pass.context
        let map = normalization.mapShape(context)
        withPrologue(pass) { input in
            let input = copy input
            withSpans(into: &target.values, count: map.count) {
                store(input, map, into: &$0, on: context.pool)
            }
        }
        withSpans(target.values, body)
    }
}
