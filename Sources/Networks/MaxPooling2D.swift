internal import Kernels
internal import Workers

/// Max-pooling; remembers which input each output was.
final class MaxPooling2D {
    let shape: ConvolutionShape
    private var choices = Buffer<UInt8>(zeros: 0)
    /// Shape `[N, P, Q, C]`.
    private(set) var output = Buffer<Float>(zeros: 0)

    init(_ shape: ConvolutionShape) { self.shape = shape }

    /// Sets `output`.
    ///
    /// - Parameter input: Shape `[N, H, W, C]`.
    func forward(_ input: borrowing Buffer<Float>, _ pass: Pass) {
        pool(input, into: &output, choices: &choices, pass)
    }

    /// Overwrites `inputGradient`.
    ///
    /// - Parameter gradient: Gradient of `output`.
    func backward(
        _ gradient: borrowing Buffer<Float>, into inputGradient: inout Buffer<Float>, _ pass: Pass
    ) {
        spread(gradient, choices, into: &inputGradient, pass)
    }

    private func pool(
        _ input: borrowing Buffer<Float>, into output: inout Buffer<Float>,
        choices: inout Buffer<UInt8>, _ pass: Pass
    ) {
        let count = pass.sampleCount * shape.outputCount
        output.reserve(count)
        choices.reserve(count)
        let input = input.span
        var whole = output.mutableSpan
        var used = whole.part(0..<count)
        var wholeChoices = choices.mutableSpan
        var usedChoices = wholeChoices.part(0..<count)
        maxPool(input, shape, into: &used, choices: &usedChoices, on: pass.pool)
    }

    private func spread(
        _ gradient: borrowing Buffer<Float>, _ choices: borrowing Buffer<UInt8>,
        into inputGradient: inout Buffer<Float>, _ pass: Pass
    ) {
        let count = pass.sampleCount * shape.inputCount
        inputGradient.reserve(count)
        let gradient = gradient.span
        let choices = choices.span
        var whole = inputGradient.mutableSpan
        var used = whole.part(0..<count)
        maxPoolGradient(gradient, choices: choices, shape, into: &used, on: pass.pool)
    }
}
