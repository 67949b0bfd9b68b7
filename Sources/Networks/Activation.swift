internal import Kernels
internal import Memory

/// A layer's output: its values, and the normalisation that the next layer applies while it reads
/// them.
///
/// A convolution's output is stored unnormalised and normalised on the fly by each reader. This
/// saves the memory of a normalised copy and the passes over it.
final class Activation {
    /// Shape `[N, H, W, C]`.
    var values = Buffer<Float>(zeros: 0)
    /// Shape `[groups, 2, C]`: scale, then shift; empty for finished values (normalised, ReLU
    /// applied), which are read unchanged.
    var coefficients = Buffer<Float>(zeros: 0)
    /// Whether a ReLU follows the normalisation.
    var appliesReLU = false

    init() {}
}

extension Activation {
    /// Calls `body` with a prologue that normalises the values as the kernel reads them.
    ///
    /// - Parameter appliesReLU: `nil` for the activation's own.
    func withPrologue<Result>(
        groups: SampleGroups, appliesReLU: Bool? = nil, _ body: (borrowing Prologue) throws -> Result
    ) rethrows -> Result {
        try withSpans(values, coefficients) {
            try body(
                Prologue(
                    normalized: $0, coefficients: $1, groups: groups,
                    appliesReLU: appliesReLU ?? self.appliesReLU))
        }
    }
}

/// Calls `body` with a prologue that computes the gradient of a normalisation's input as the kernel
/// reads it.
func withGradient<Result>(
    _ gradient: borrowing Buffer<Float>, _ input: borrowing Buffer<Float>,
    _ coefficients: borrowing Buffer<Float>, groups: SampleGroups,
    _ body: (borrowing Prologue) throws -> Result
) rethrows -> Result {
    try body(
        Prologue(
            gradient: gradient.span, ofNormalized: input.span, coefficients: coefficients.span, groups: groups
        ))
}
