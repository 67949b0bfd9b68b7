internal import Kernels
internal import Workers

/// A convolution without bias.
struct Convolution2D: Sendable {
    let shape: ConvolutionShape
    private let weights: Range<Int>

    init(_ name: String, _ shape: ConvolutionShape, initializer: Initializer, in store: ParameterStore) {
        self.shape = shape
        weights = store.parameter(
            "\(name).weight", shape: [shape.outputChannels, shape.channels, shape.kernel, shape.kernel],
            layout: .convolution, initializer)
    }

    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - output: Shape `[N, P, Q, K]`; overwritten.
    func forward(
        _ input: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>,
        into output: inout Buffer<Float>, _ pass: Pass
    ) {
        output.reserve(pass.sampleCount * shape.outputCount)
        let input = input.span
        let weights = parameters.span.extracting(weights)
        var whole = output.mutableSpan
        var used = whole.part(0..<pass.sampleCount * shape.outputCount)
        convolve(input, weights: weights, shape, laneSize: pass.laneSize, into: &used, on: pass.pool)
    }

    /// Overwrites the weights' part of `gradients` with the sum over the rank's lanes.
    ///
    /// - Parameter lanes: Room for one gradient a lane; overwritten.
    func weightGradient(
        _ input: borrowing Buffer<Float>, outputGradient: borrowing Buffer<Float>,
        lanes: inout Buffer<Float>, into gradients: inout Buffer<Float>, _ pass: Pass
    ) {
        let laneCount = pass.placement.lanes.count
        lanes.reserve(laneCount * shape.weightCount)
        let input = input.span
        let outputGradient = outputGradient.span
        var whole = lanes.mutableSpan
        var used = whole.part(0..<laneCount * shape.weightCount)
        convolutionWeightGradient(
            input, outputGradient: outputGradient, shape, sampleCount: pass.sampleCount,
            laneSize: pass.laneSize, into: &used, on: pass.pool)
        var all = gradients.mutableSpan
        var own = all.part(weights)
        sumLanes(used.span, laneCount: laneCount, into: &own, on: pass.pool)
    }

    /// - Parameters:
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - inputGradient: Shape `[N, H, W, C]`; overwritten.
    func inputGradient(
        _ outputGradient: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>,
        into inputGradient: inout Buffer<Float>, _ pass: Pass
    ) {
        inputGradient.reserve(pass.sampleCount * shape.inputCount)
        let outputGradient = outputGradient.span
        let weights = parameters.span.extracting(weights)
        var whole = inputGradient.mutableSpan
        var used = whole.part(0..<pass.sampleCount * shape.inputCount)
        convolutionInputGradient(
            outputGradient, weights: weights, shape, laneSize: pass.laneSize, into: &used, on: pass.pool)
    }
}
