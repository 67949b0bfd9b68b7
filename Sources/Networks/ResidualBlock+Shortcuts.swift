internal import Kernels
internal import Memory

extension ResidualBlock {
    func sumProducts(_ gradient: borrowing Buffer<Float>, _ unit: ConvBN, _ context: StepContext) {
        sumProducts(gradient, unit.output.values, into: &unit.normalization.sampleSums, context)
    }

    private func sumProducts(
        _ gradient: borrowing Buffer<Float>, _ normalized: borrowing Buffer<Float>,
        into sums: inout Buffer<Double>, _ context: StepContext
    ) {
        let gradient = gradient.span
        let normalized = normalized.span
        var sums = sums.mutableSpan
        sumGradientProducts(
            gradient, normalized: normalized, channels: channels, positions: positions,
            sampleCount: context.sampleCount, into: &sums, on: context.pool)
    }

    func subsample(
        _ input: borrowing Buffer<Float>, _ shape: ConvolutionShape, into output: inout Buffer<Float>,
        _ context: StepContext
    ) {
        let count = context.sampleCount * shape.outputCount
        output.reserve(count)
        let input = input.span
        var whole = output.mutableSpan
        var used = whole.part(0..<count)
        subsampleAndPadChannels(input, shape, into: &used, on: context.pool)
    }

    func spread(
        _ gradient: borrowing Buffer<Float>, _ shape: ConvolutionShape, into target: inout Buffer<Float>,
        _ context: StepContext
    ) {
        let count = context.sampleCount * shape.inputCount
        target.reserve(count)
        let gradient = gradient.span
        var whole = target.mutableSpan
        var used = whole.part(0..<count)
        used.update(repeating: 0)
        accumulateSubsampledGradient(gradient, shape, into: &used, on: context.pool)
    }
}
