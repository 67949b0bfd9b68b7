internal import Kernels
internal import Memory

/// A convolution, the sum with another tensor, and the normalisation that follows.
struct ConvolutionInstruction: Instruction {
    /// What happens to the sum.
    enum Following {
        case nothing
        /// Statistics for a normalisation that others compute as they read `output`.
        case statistics(BatchNormalization2D)
        /// Normalised with the running statistics before it is added and stored.
        case folded(BatchNormalization2D?, appliesReLU: Bool)
    }

    let convolution: Convolution2D
    let input: MapView
    let addend: PassTensor<Float>?
    let following: Following
    let output: PassTensor<Float>

    var reads: [any PlannedTensor] { [input.tensor, addend].compactMap(\.self) }
    var writes: [any PlannedTensor] { [output] }
    var overwritten: (any PlannedTensor)? { addend }

    func planScratch(_ plan: inout MemoryPlan, _ context: StepContext) -> [MemoryPlan.Tensor] {
        [convolution.planPanels(&plan, context)]
    }

    func run(_ pass: borrowing PassInputs) throws {
        guard let addend else { return try run(pass, adding: MapSpan()) }
        try addend.withMap { try run(pass, adding: $0) }
    }

    private func run(_ pass: borrowing PassInputs, adding addend: MapSpan) throws {
        let context = pass.context
        switch following {
        case .statistics(let normalization):
            normalization.prepare(context)
            convolve(
                pass,
                normalization.usesBatchStatistics(context)
                    ? .moments(adding: addend) : Epilogue(adding: addend),
                sums: &normalization.sampleSums)
            try normalization.computeCoefficients(store: pass.store, context)
        case .folded(let normalization?, let appliesReLU):
            normalization.useRunningStatistics(pass.store)
            withSpans(normalization.coefficients) {
                convolve(
                    pass, Epilogue(normalizing: $0, appliesReLU: appliesReLU, adding: addend),
                    sums: &normalization.sampleSums)
            }
        case .nothing, .folded(nil, _):
            var none = Buffer<Double>(zeros: 0)
            convolve(pass, Epilogue(adding: addend), sums: &none)
        }
    }

    private func convolve(
        _ pass: borrowing PassInputs, _ epilogue: borrowing Epilogue, sums: inout Buffer<Double>
    ) {
        let epilogue = epilogue.storing(as: output.storage)
        input.withPrologue(pass) {
            convolution.forward(
                $0, store: pass.store, epilogue: epilogue, into: &output.values, sums: &sums, pass.context)
        }
    }
}
