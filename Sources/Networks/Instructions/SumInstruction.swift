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
                withSpans(into: &output.values, count: map.count) {
                    combine(first, adding: second, appliesReLU: appliesReLU, map, into: &$0, on: context.pool)
                }
            }
        }
        normalization?.useRunningStatistics(pass.store)
    }
}

/// The shortcut that takes every second position and adds zero channels.
struct SubsamplingInstruction: Instruction {
    let shape: ConvolutionShape
    let input: PassTensor<Float>
    let output: PassTensor<Float>

    var reads: [any PlannedTensor] { [input] }
    var writes: [any PlannedTensor] { [output] }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        withSpans(input.values, into: &output.values, count: context.sampleCount * shape.outputCount) {
            subsampleAndPadChannels($0, shape, into: &$1, on: context.pool)
        }
    }
}

struct SubsamplingGradientInstruction: Instruction {
    let shape: ConvolutionShape
    let gradient: PassTensor<Float>
    let inputGradient: PassTensor<Float>

    var reads: [any PlannedTensor] { [gradient] }
    var writes: [any PlannedTensor] { [inputGradient] }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        withSpans(
            gradient.values, into: &inputGradient.values, count: context.sampleCount * shape.inputCount
        ) {
            $1.update(repeating: 0)
            accumulateSubsampledGradient($0, shape, into: &$1, on: context.pool)
        }
    }
}
