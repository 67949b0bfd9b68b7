internal import Kernels
internal import Memory

/// A layer's result as the next layers read it: a tensor, and the normalisation and the ReLU that
/// they apply while they read.
///
/// A convolution's output is stored unnormalised. This saves the memory of a normalised copy and
/// the passes over it.
struct MapView {
    /// Shape `[N, H, W, C]`; `nil` for the pass's images.
    let tensor: PassTensor<Float>?
    var normalization: BatchNormalization2D?
    var appliesReLU = false

    /// Calls `body` with a prologue that reads the values.
    func withPrologue<Result>(
        _ pass: borrowing PassInputs, _ body: (borrowing Prologue) throws -> Result
    ) rethrows -> Result {
        guard let tensor else { return try body(Prologue(pass.images)) }
        guard let normalization else { return try tensor.withMap { try body(Prologue($0)) } }
        let groups = normalization.groups(pass.context)
        return try tensor.withMap { values in
            try withSpans(normalization.coefficients) {
                try body(
                    Prologue(normalized: values, coefficients: $0, groups: groups, appliesReLU: appliesReLU))
            }
        }
    }
}

/// The gradient of a tensor as convolutions read it: stored, or computed as it is read from that of
/// the normalisation's output.
enum GradientView {
    case stored(PassTensor<Float>)
    case normalized(PassTensor<Float>, input: PassTensor<Float>, BatchNormalization2D)

    var tensors: [any PlannedTensor] {
        switch self {
        case .stored(let gradient): [gradient]
        case .normalized(let gradient, let input, _): [gradient, input]
        }
    }

    /// Calls `body` with a prologue that reads the gradient.
    func withPrologue<Result>(
        _ pass: borrowing PassInputs, _ body: (borrowing Prologue) throws -> Result
    ) rethrows -> Result {
        switch self {
        case .stored(let gradient):
            return try gradient.withMap { try body(Prologue($0)) }
        case .normalized(let gradient, let input, let normalization):
            let groups = normalization.groups(pass.context)
            return try gradient.withMap { gradient in
                try input.withMap { input in
                    try withSpans(normalization.gradientCoefficients) {
                        try body(
                            Prologue(
                                gradient: gradient, ofNormalized: input, coefficients: $0, groups: groups))
                    }
                }
            }
        }
    }
}
