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
        finish(input, context)
        forward(finished: finished, context)
    }

    /// Sets `output` from finished values.
    func forward(finished input: borrowing Buffer<Float>, _ context: StepContext) {
        let count = context.sampleCount * shape.outputCount
        withSpans(input, into: &output.values, count: count, &choices, count: count) {
            maxPool($0, shape, into: &$1, choices: &$2, on: context.pool)
        }
    }

    /// Normalises the input once, since overlapping windows read each value several times.
    private func finish(_ input: Activation, _ context: StepContext) {
        let map = MapShape(
            sampleCount: context.sampleCount, channels: shape.channels,
            positions: shape.height * shape.width)
        input.withPrologue(groups: context.placement.groups) { input in
            let input = copy input
            withSpans(into: &finished, count: map.count) {
                normalize(input, map, into: &$0, on: context.pool)
            }
        }
    }

    /// Overwrites `inputGradient`.
    ///
    /// - Parameter gradient: Gradient of `output`.
    func backward(_ gradient: borrowing Buffer<Float>, _ context: StepContext) {
        withSpans(gradient, choices, into: &inputGradient, count: context.sampleCount * shape.inputCount) {
            maxPoolGradient($0, choices: $1, shape, into: &$2, on: context.pool)
        }
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
}
