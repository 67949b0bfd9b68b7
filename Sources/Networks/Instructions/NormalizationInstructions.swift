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
            gradient.withMap { gradient in
                input.withMap { input in
                    withSpans(into: &normalization.sampleSums) {
                        sumGradientProducts(gradient, normalized: input, map, into: &$0, on: context.pool)
                    }
                }
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
            withSpans(into: &result.values, count: result.count(context)) { values in
                guard let addend else {
                    store(gradient, map, into: &values, storing: result.storage, on: context.pool)
                    return
                }
                addend.withMap {
                    combine(
                        gradient, adding: Prologue($0), appliesReLU: false, map, into: &values,
                        storing: result.storage, on: context.pool)
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
            let epilogue = epilogue.storing(as: gradient.storage)
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
