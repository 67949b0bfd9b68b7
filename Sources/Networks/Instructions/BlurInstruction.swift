internal import Kernels
internal import Memory

/// A binomial filter of each channel; it is its own adjoint, so it also computes its gradient.
struct BlurInstruction: Instruction {
    let map: LayerGraph.Map
    let input: MapView
    /// The normalised input: overlapping windows read each value several times.
    let finished: PassTensor<Float>
    let output: PassTensor<Float>

    var reads: [any PlannedTensor] { [input.tensor].compactMap(\.self) }
    var writes: [any PlannedTensor] { [output] }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] {
        input.planFinished(in: finished, &plan, context)
    }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        input.withFinished(in: finished, map.shape(context), pass) { input in
            withSpans(into: &output.values, count: context.sampleCount * map.count) {
                blur(
                    input, height: map.height, width: map.width, channels: map.channels, into: &$0,
                    on: context.pool)
            }
        }
    }
}
