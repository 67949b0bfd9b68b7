internal import Kernels

/// What one layer gives the next: values, and how they are normalised while they are read.
///
/// A convolution's results stay as they are until something reads them: that saves the memory and the passes of a
/// normalised copy.
final class Activation {
    /// Shape `[N, H, W, C]`.
    var values = Buffer<Float>(zeros: 0)
    /// Shape `[groups, 2, C]`: scale, then shift; empty for values that are read as they lie.
    var coefficients = Buffer<Float>(zeros: 0)
    /// Whether a rectifier follows the normalisation.
    var rectifies = false

    init() {}
}

/// Calls `body` with an activation's values as a kernel reads them.
func withOperand<Result>(
    _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>, groups: SampleGroups,
    rectifies: Bool, _ body: (borrowing Operand) throws -> Result
) rethrows -> Result {
    let values = values.span
    let coefficients = coefficients.span
    return try body(
        Operand(normalized: values, coefficients: coefficients, groups: groups, rectifies: rectifies))
}

/// Calls `body` with the gradient of a normalisation's input as a kernel reads it.
func withGradient<Result>(
    _ gradient: borrowing Buffer<Float>, _ input: borrowing Buffer<Float>,
    _ coefficients: borrowing Buffer<Float>, groups: SampleGroups,
    _ body: (borrowing Operand) throws -> Result
) rethrows -> Result {
    let gradient = gradient.span
    let input = input.span
    let coefficients = coefficients.span
    return try body(
        Operand(gradient: gradient, ofNormalized: input, coefficients: coefficients, groups: groups))
}
