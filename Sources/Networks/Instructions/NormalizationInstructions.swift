internal import Kernels
internal import Memory

/// Sets the coefficients of a normalisation that uses its running statistics.
struct RunningStatisticsInstruction: Instruction {
    let normalization: BatchNormalization2D

    var reads: [any PlannedTensor] { [] }
    var writes: [any PlannedTensor] { [] }

    func run(_ pass: borrowing PassInputs) { normalization.useRunningStatistics(pass.store) }
}

/// Sets the coefficients with which the gradient of a normalisation's input is computed as it is
/// read, and the gradients of scale and shift.
struct NormalizationGradientInstruction: Instruction {
    let normalization: BatchNormalization2D
    let input: PassTensor<Float>
    /// Gradient of the normalisation's output.
    let gradient: PassTensor<Float>
    /// Whether the sums over `gradient` are already there, from where it was computed.
    let hasSums: Bool

    var reads: [any PlannedTensor] { [input, gradient] }
    var writes: [any PlannedTensor] { [] }

    func run(_ pass: borrowing PassInputs) throws {
        let context = pass.context
        guard normalization.usesBatchStatistics(context) else {
            normalization.differentiateRunning(pass.store)
            return
        }
        if !hasSums {
            let map = normalization.mapShape(context)
            withSpans(gradient.values, input.values, into: &normalization.sampleSums) {
                sumGradientProducts($0, normalized: $1, map, into: &$2, on: context.pool)
            }
        }
        try normalization.differentiate(store: pass.store, context)
    }
}

/// Stores the gradient of a normalisation's input plus another gradient of the same tensor.
struct NormalizationInputGradientInstruction: Instruction {
    let normalization: BatchNormalization2D
    let input: PassTensor<Float>
    /// Gradient of the normalisation's output.
    let gradient: PassTensor<Float>
    let addend: PassTensor<Float>?
    let result: PassTensor<Float>

    var reads: [any PlannedTensor] { [input, gradient] + [addend].compactMap(\.self) }
    var writes: [any PlannedTensor] { [result] }
    var overwritten: (any PlannedTensor)? { addend ?? gradient }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        let map = normalization.mapShape(context)
        let view = GradientView.normalized(gradient, input: input, normalization)
        view.withPrologue(pass) { gradient in
            let gradient = copy gradient
            withSpans(into: &result.values, count: map.count) { result in
                guard let addend else {
                    store(gradient, map, into: &result, on: context.pool)
                    return
                }
                withSpans(addend.values) {
                    combine(
                        gradient, adding: Prologue($0), appliesReLU: false, map, into: &result,
                        on: context.pool)
                }
            }
        }
    }
}

/// Masks a gradient in place and sums it for the normalisation before, where no convolution's
/// epilogue could do so.
struct MaskInstruction: Instruction {
    let mask: GradientMask
    let map: LayerGraph.Map
    let gradient: PassTensor<Float>

    var reads: [any PlannedTensor] { [gradient] + mask.tensors }
    var writes: [any PlannedTensor] { [] }

    func run(_ pass: borrowing PassInputs) {
        let context = pass.context
        mask.withEpilogue(pass, adding: nil) { epilogue, sums in
            let epilogue = copy epilogue
            withSpans(into: &gradient.values, count: nil, &sums) {
                maskGradient(
                    &$0, epilogue: epilogue, map.shape(context), sums: &$1, on: context.pool)
            }
        }
    }
}

extension LayerGraph.Map {
    /// The shape of a pass's batch of such maps.
    func shape(_ context: StepContext) -> MapShape {
        MapShape(sampleCount: context.sampleCount, channels: channels, positions: positions)
    }
}
