internal import Kernels
internal import Memory

/// Max-pooling; keeps the argmax of each output for the backward pass.
final class MaxPooling2D {
    let shape: ConvolutionShape
    private var choices = Buffer<UInt8>(zeros: 0)
    /// The normalised input.
    private var finished = Buffer<Float>(zeros: 0)
    /// Gradient of the input, shape `[N, H, W, C]`; set by `backward`.
    var inputGradient = Buffer<Float>(zeros: 0)
    /// Shape `[N, P, Q, C]`.
    let output = Activation()

    init(_ shape: ConvolutionShape) { self.shape = shape }

    /// Sets `output`.
    ///
    /// - Parameter input: Shape `[N, H, W, C]`.
    func forward(_ input: Activation, _ context: StepContext) {
        finish(input.values, input.coefficients, appliesReLU: input.appliesReLU, into: &finished, context)
        forward(finished: finished, context)
    }

    /// Sets `output` from finished values.
    func forward(finished input: borrowing Buffer<Float>, _ context: StepContext) {
        pool(input, into: &output.values, choices: &choices, context)
    }

    /// Normalises the input once, since overlapping windows read each value several times.
    private func finish(
        _ values: borrowing Buffer<Float>, _ coefficients: borrowing Buffer<Float>, appliesReLU: Bool,
        into finished: inout Buffer<Float>, _ context: StepContext
    ) {
        finished.reserve(context.sampleCount * shape.inputCount)
        let values = values.span
        let coefficients = coefficients.span
        var finished = finished.mutableSpan
        normalize(
            Prologue(
                normalized: values, coefficients: coefficients, groups: context.placement.groups,
                appliesReLU: appliesReLU),
            channels: shape.channels, positions: shape.height * shape.width, sampleCount: context.sampleCount,
            into: &finished, on: context.pool)
    }

    /// Overwrites `inputGradient`.
    ///
    /// - Parameter gradient: Gradient of `output`.
    func backward(_ gradient: borrowing Buffer<Float>, _ context: StepContext) {
        spread(gradient, choices, into: &inputGradient, context)
    }

    // MARK: - Memory

    private var planned: (output: MemoryPlan.Tensor, choices: MemoryPlan.Tensor)?

    /// Plans the memory of the forward pass.
    ///
    /// - Returns: `output`.
    func planForward(_ plan: inout MemoryPlan, _ context: StepContext) -> MemoryPlan.Tensor {
        let result = plan.begin(context.sampleCount * shape.outputCount) { [unowned self] in
            output.values = $0
        }
        let chosen = plan.begin(context.sampleCount * shape.outputCount) { [unowned self] in choices = $0 }
        if context.mode != .evaluation {
            plan.moment(context.sampleCount * shape.inputCount) { [unowned self] in finished = $0 }
            planned = (result, chosen)
        } else {
            plan.end(chosen)
        }
        return result
    }

    /// Plans the memory of the backward pass, with which the lifetime of `output` ends.
    ///
    /// - Parameter gradient: Its lifetime ends here.
    /// - Returns: `inputGradient`.
    func planBackward(
        _ plan: inout MemoryPlan, gradient: MemoryPlan.Tensor, _ context: StepContext
    ) -> MemoryPlan.Tensor {
        let result = plan.begin(context.sampleCount * shape.inputCount) { [unowned self] in inputGradient = $0
        }
        plan.end(gradient)
        if let planned {
            plan.end(planned.output)
            plan.end(planned.choices)
        }
        return result
    }

    private func pool(
        _ input: borrowing Buffer<Float>, into output: inout Buffer<Float>,
        choices: inout Buffer<UInt8>, _ context: StepContext
    ) {
        let count = context.sampleCount * shape.outputCount
        output.reserve(count)
        choices.reserve(count)
        let input = input.span
        var whole = output.mutableSpan
        var used = whole.part(0..<count)
        var wholeChoices = choices.mutableSpan
        var usedChoices = wholeChoices.part(0..<count)
        maxPool(input, shape, into: &used, choices: &usedChoices, on: context.pool)
    }

    private func spread(
        _ gradient: borrowing Buffer<Float>, _ choices: borrowing Buffer<UInt8>,
        into inputGradient: inout Buffer<Float>, _ context: StepContext
    ) {
        let count = context.sampleCount * shape.inputCount
        inputGradient.reserve(count)
        let gradient = gradient.span
        let choices = choices.span
        var whole = inputGradient.mutableSpan
        var used = whole.part(0..<count)
        maxPoolGradient(gradient, choices: choices, shape, into: &used, on: context.pool)
    }
}
