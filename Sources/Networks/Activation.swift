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

/// Calls `body` with a prologue that normalises an activation's values as the kernel reads them.
func withPrologue<Result>(
    _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>, groups: SampleGroups,
    appliesReLU: Bool, _ body: (borrowing Prologue) throws -> Result
) rethrows -> Result {
    let values = values.span
    let coefficients = coefficients.span
    return try body(
        Prologue(normalized: values, coefficients: coefficients, groups: groups, appliesReLU: appliesReLU))
}

/// Calls `body` with a prologue that computes the gradient of a normalisation's input as the kernel
/// reads it.
func withGradient<Result>(
    _ gradient: borrowing Buffer<Float>, _ input: borrowing Buffer<Float>,
    _ coefficients: borrowing Buffer<Float>, groups: SampleGroups,
    _ body: (borrowing Prologue) throws -> Result
) rethrows -> Result {
    let gradient = gradient.span
    let input = input.span
    let coefficients = coefficients.span
    return try body(
        Prologue(gradient: gradient, ofNormalized: input, coefficients: coefficients, groups: groups))
}
