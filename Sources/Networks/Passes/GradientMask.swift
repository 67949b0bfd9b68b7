internal import Kernels
internal import Memory

/// How the gradient of a result becomes that of the normalisation before it: set to 0 where the
/// ReLU's input was not above 0, and summed for the normalisation.
enum GradientMask {
    /// No ReLU: the gradient stays as it is.
    case none
    /// ReLU of a normalisation that is computed as it is read.
    case normalized(PassTensor<Float>, BatchNormalization2D)
    /// A stored output of a ReLU, whose input is a sum with a normalisation of `input`.
    case relu(output: PassTensor<Float>, input: PassTensor<Float>, BatchNormalization2D)

    var tensors: [any PlannedTensor] {
        switch self {
        case .none: []
        case .normalized(let input, _): [input]
        case .relu(let output, let input, _): [output, input]
        }
    }

    var hasSums: Bool {
        if case .none = self { false } else { true }
    }

    /// Calls `body` with an epilogue that adds `addend` to a gradient and masks it, and with the
    /// sums of the normalisation.
    func withEpilogue<Result>(
        _ pass: borrowing PassInputs, adding addend: PassTensor<Float>?,
        _ body: (borrowing Epilogue, inout Buffer<Double>) throws -> Result
    ) rethrows -> Result {
        guard let addend else { return try withEpilogue(pass, adding: MapSpan(), body) }
        return try addend.withMap { try withEpilogue(pass, adding: $0, body) }
    }

    private func withEpilogue<Result>(
        _ pass: borrowing PassInputs, adding addend: MapSpan,
        _ body: (borrowing Epilogue, inout Buffer<Double>) throws -> Result
    ) rethrows -> Result {
        switch self {
        case .none:
            var none = Buffer<Double>(zeros: 0)
            return try body(Epilogue(adding: addend), &none)
        case .normalized(let input, let normalization):
            normalization.prepare(pass.context)
            let groups = normalization.groups(pass.context)
            return try input.withMap { input in
                try withSpans(normalization.coefficients) {
                    try body(
                        Epilogue(maskingBy: input, coefficients: $0, groups: groups, adding: addend),
                        &normalization.sampleSums)
                }
            }
        case .relu(let output, let input, let normalization):
            normalization.prepare(pass.context)
            return try output.withMap { output in
                try input.withMap {
                    try body(
                        Epilogue(maskingByReLU: output, normalized: $0, adding: addend),
                        &normalization.sampleSums)
                }
            }
        }
    }
}
