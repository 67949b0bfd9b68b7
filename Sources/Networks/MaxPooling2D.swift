internal import Kernels
internal import Workers

/// Max-pooling; remembers which input each output was.
final class MaxPooling2D {
    let shape: ConvolutionShape
    private var choices = Buffer<UInt8>(zeros: 0)
    /// The input normalised.
    private var finished = Buffer<Float>(zeros: 0)
    /// Gradient of the input, shape `[N, H, W, C]`; set by `backward`.
    var inputGradient = Buffer<Float>(zeros: 0)
    /// Shape `[N, P, Q, C]`.
    let output = Activation()

    init(_ shape: ConvolutionShape) { self.shape = shape }

    /// Sets `output`.
    ///
    /// - Parameter input: Shape `[N, H, W, C]`.
    func forward(_ input: Activation, _ pass: Pass) {
        finish(input.values, input.coefficients, rectifies: input.rectifies, into: &finished, pass)
        forward(finished: finished, pass)
    }

    /// Sets `output` from finished values.
    func forward(finished input: borrowing Buffer<Float>, _ pass: Pass) {
        pool(input, into: &output.values, choices: &choices, pass)
    }

    /// Normalises what is read several times by overlapping windows.
    private func finish(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>, rectifies: Bool,
        into finished: inout Buffer<Float>, _ pass: Pass
    ) {
        finished.reserve(pass.sampleCount * shape.inputCount)
        let values = values.span
        let coefficients = coefficients.span
        var finished = finished.mutableSpan
        normalize(
            Operand(
                normalized: values, coefficients: coefficients, groups: pass.placement.groups,
                rectifies: rectifies),
            channels: shape.channels, positions: shape.height * shape.width, sampleCount: pass.sampleCount,
            into: &finished, on: pass.pool)
    }

    /// Overwrites `inputGradient`.
    ///
    /// - Parameter gradient: Gradient of `output`.
    func backward(_ gradient: borrowing Buffer<Float>, _ pass: Pass) {
        spread(gradient, choices, into: &inputGradient, pass)
    }

    // MARK: - Memory

    private var planned: (output: MemoryPlan.Tensor, choices: MemoryPlan.Tensor)?

    /// The forward pass.
    ///
    /// - Returns: `output`.
    func planForward(_ plan: inout MemoryPlan, _ pass: Pass) -> MemoryPlan.Tensor {
        let result = plan.begin(pass.sampleCount * shape.outputCount) { [unowned self] in
            output.values = $0
        }
        let chosen = plan.begin(pass.sampleCount * shape.outputCount) { [unowned self] in choices = $0 }
        if pass.mode != .evaluation {
            plan.moment(pass.sampleCount * shape.inputCount) { [unowned self] in finished = $0 }
            planned = (result, chosen)
        } else {
            plan.end(chosen)
        }
        return result
    }

    /// The backward pass; `output` ends.
    ///
    /// - Parameter gradient: Ends here.
    /// - Returns: `inputGradient`.
    func planBackward(
        _ plan: inout MemoryPlan, gradient: MemoryPlan.Tensor, _ pass: Pass
    ) -> MemoryPlan.Tensor {
        let result = plan.begin(pass.sampleCount * shape.inputCount) { [unowned self] in inputGradient = $0 }
        plan.end(gradient)
        if let planned {
            plan.end(planned.output)
            plan.end(planned.choices)
        }
        return result
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
