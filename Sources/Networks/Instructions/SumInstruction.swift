internal import Kernels
internal import Memory

/// The sum of two results, and a ReLU.
struct SumInstruction: Instruction {
    let first: MapView
    let second: MapView
    let appliesReLU: Bool
    let map: LayerGraph.Map
    /// A normalisation of the sum.
    let normalization: BatchNormalization2D?
    let output: PassTensor<Float>

    var reads: [any PlannedTensor] { [first.tensor, second.tensor].compactMap(\.self) }
    var writes: [any PlannedTensor] { [output] }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        second.withPrologue(pass) { second in
            let second = copy second
            first.withPrologue(pass) { first in
                let first = copy first
                let map = map.shape(context)
                withSpans(into: &output.values, count: output.count(context)) {
                    combine(
                        first, adding: second, appliesReLU: appliesReLU, map, into: &$0,
                        storing: output.storage, on: context.pool)
                }
            }
        }
        normalization?.useRunningStatistics(pass.store)
    }
}

/// The shortcut that takes every second position and adds zero channels.
struct SubsamplingInstruction: Instruction {
    let shape: ConvolutionShape
    let input: MapView
    /// The input in 32 bits.
    let finished: PassTensor<Float>
    let output: PassTensor<Float>

    var reads: [any PlannedTensor] { [input.tensor].compactMap(\.self) }
    var writes: [any PlannedTensor] { [output] }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] {
        input.planFinished(in: finished, &plan, context)
    }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        input.withFinished(in: finished, shape.inputMap(context), pass) { input in
            withSpans(into: &output.values, count: output.count(context)) {
                subsampleAndPadChannels(input, shape, into: &$0, on: context.pool)
            }
        }
    }
}

struct SubsamplingGradientInstruction: Instruction {
    let shape: ConvolutionShape
    let gradient: MapView
    /// The gradient in 32 bits.
    let finished: PassTensor<Float>
    let inputGradient: PassTensor<Float>

    var reads: [any PlannedTensor] { [gradient.tensor].compactMap(\.self) }
    var writes: [any PlannedTensor] { [inputGradient] }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] {
        gradient.planFinished(in: finished, &plan, context)
    }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        gradient.withFinished(in: finished, shape.outputMap(context), pass) { gradient in
            withSpans(into: &inputGradient.values, count: inputGradient.count(context)) {
                $0.update(repeating: 0)
                accumulateSubsampledGradient(gradient, shape, into: &$0, on: context.pool)
            }
        }
    }
}
