internal import Kernels
internal import Memory

extension ResidualBlock {
    func sumProducts(_ gradient: borrowing Buffer<Float>, _ unit: ConvBN, _ context: StepContext) {
        let map = MapShape(outputOf: unit.convolution.shape, sampleCount: context.sampleCount)
        withSpans(gradient, unit.output.values, into: &unit.normalization.sampleSums) {
            sumGradientProducts($0, normalized: $1, map, into: &$2, on: context.pool)
        }
    }

    func subsample(
        _ input: borrowing Buffer<Float>, _ shape: ConvolutionShape, into output: inout Buffer<Float>,
        _ context: StepContext
    ) {
        withSpans(input, into: &output, count: context.sampleCount * shape.outputCount) {
            subsampleAndPadChannels($0, shape, into: &$1, on: context.pool)
        }
    }

    func spread(
        _ gradient: borrowing Buffer<Float>, _ shape: ConvolutionShape, into target: inout Buffer<Float>,
        _ context: StepContext
    ) {
        withSpans(gradient, into: &target, count: context.sampleCount * shape.inputCount) {
            $1.update(repeating: 0)
            accumulateSubsampledGradient($0, shape, into: &$1, on: context.pool)
        }
    }
}
