internal import Kernels
internal import Memory

/// The gradients of a convolution's weights and input; what is added to the latter, and its mask.
struct ConvolutionGradientInstruction: Instruction {
    let convolution: Convolution2D
    let input: MapView
    let outputGradient: GradientView
    /// Added to the input's gradient.
    let addend: PassTensor<Float>?
    let mask: GradientMask
    /// The input's gradient.
    let inputGradient: PassTensor<Float>
    /// Whether the weights' gradient is computed.
    let hasWeightGradient: Bool

    var reads: [any PlannedTensor] {
        [hasWeightGradient ? input.tensor : nil, addend].compactMap(\.self) + outputGradient.tensors
            + mask.tensors
    }
    var writes: [any PlannedTensor] { [inputGradient] }
    var overwritten: (any PlannedTensor)? { addend }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] {
        hasWeightGradient
            ? [
                convolution.planWeightGradients(&plan, context),
                convolution.planGradientPanels(&plan, context),
            ]
            : [convolution.planGradientPanels(&plan, context)]
    }

    func run(_ pass: borrowing PassInputs) {
        mask.withEpilogue(pass, adding: addend) { epilogue, sums in
            let epilogue = epilogue.storing(as: inputGradient.storage)
            outputGradient.withPrologue(pass) { gradient in
                guard hasWeightGradient else {
                    convolution.differentiateInput(
                        gradient, store: pass.store, epilogue: epilogue, into: &inputGradient.values,
                        sums: &sums, pass.context)
                    return
                }
                let gradient = copy gradient
                input.withPrologue(pass) {
                    convolution.differentiate(
                        $0, outputGradient: gradient, store: pass.store, epilogue: epilogue,
                        into: &inputGradient.values, sums: &sums, pass.context)
                }
            }
        }
    }
}

/// The gradient of a convolution's weights alone, for a convolution whose input needs no gradient.
struct WeightGradientInstruction: Instruction {
    let convolution: Convolution2D
    let input: MapView
    let outputGradient: GradientView

    var reads: [any PlannedTensor] { [input.tensor].compactMap(\.self) + outputGradient.tensors }
    var writes: [any PlannedTensor] { [] }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] {
        [convolution.planWeightGradients(&plan, context)]
    }

    func run(_ pass: borrowing PassInputs) {
        outputGradient.withPrologue(pass) { gradient in
            let gradient = copy gradient
            input.withPrologue(pass) {
                convolution.differentiateWeights(
                    $0, outputGradient: gradient, store: pass.store, pass.context)
            }
        }
    }
}
