internal import Kernels
internal import Memory

/// A linear layer, `y = W x + b`, and the ranges of its parameters in the store.
final class LinearLayer {
    let inputs: Int
    let outputs: Int
    private let weights: Range<Int>
    private let bias: Range<Int>
    /// Shape `[microbatches, outputs · inputs + outputs]`.
    private var microbatchGradients = Buffer<Float>(zeros: 0)

    /// The range of its weights and its bias.
    var parameters: Range<Int> { weights.lowerBound..<bias.upperBound }

    init(_ name: String, inputs: Int, outputs: Int, weight: Initializer, in store: ParameterStore) {
        self.inputs = inputs
        self.outputs = outputs
        weights = store.parameter("\(name).weight", shape: [outputs, inputs], weight)
        bias = store.parameter("\(name).bias", shape: [outputs], .torchDefault(fanIn: inputs))
        precondition(bias.lowerBound == weights.upperBound, "the bias follows the weights")
    }

    /// Overwrites `output`, shape `[N, outputs]`.
    ///
    /// - Parameter input: Shape `[N, inputs]`.
    func forward(
        _ input: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>,
        into output: inout Buffer<Float>, _ context: StepContext
    ) {
        output.reserve(context.sampleCount * outputs)
        let input = input.span
        let parameters = parameters.span
        var whole = output.mutableSpan
        var used = whole.part(0..<context.sampleCount * outputs)
        linear(
            input, weights: parameters.extracting(weights), bias: parameters.extracting(bias),
            microbatchSize: context.microbatchSize, into: &used, on: context.pool)
    }

    /// Overwrites the layer's part of `gradients` with the sum over the rank's microbatches.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, inputs]`.
    ///   - outputGradient: Shape `[N, outputs]`.
    func differentiate(
        _ input: borrowing Buffer<Float>, outputGradient: borrowing Buffer<Float>,
        into gradients: inout Buffer<Float>, _ context: StepContext
    ) {
        Self.fill(
            &microbatchGradients, input, outputGradient, inputs: inputs, outputs: outputs, context)
        Self.sum(microbatchGradients, into: &gradients, at: parameters, context)
    }

    private static func sum(
        _ microbatchGradients: borrowing Buffer<Float>, into gradients: inout Buffer<Float>,
        at place: Range<Int>,
        _ context: StepContext
    ) {
        let microbatches = microbatchGradients.span
        var all = gradients.mutableSpan
        var own = all.part(place)
        sumMicrobatches(
            microbatches, microbatchCount: context.placement.microbatches.count, into: &own, on: context.pool)
    }

    private static func fill(
        _ microbatchGradients: inout Buffer<Float>, _ input: borrowing Buffer<Float>,
        _ outputGradient: borrowing Buffer<Float>, inputs: Int, outputs: Int, _ context: StepContext
    ) {
        let count = context.placement.microbatches.count * (inputs + 1) * outputs
        microbatchGradients.reserve(count)
        let input = input.span
        let outputGradient = outputGradient.span.extracting(0..<context.sampleCount * outputs)
        var whole = microbatchGradients.mutableSpan
        var used = whole.part(0..<count)
        linearWeightGradient(
            input, outputGradient: outputGradient, classes: outputs, dimension: inputs,
            microbatchSize: context.microbatchSize, into: &used, on: context.pool)
    }

    /// Overwrites `inputGradient`, shape `[N, inputs]`.
    ///
    /// - Parameter outputGradient: Shape `[N, outputs]`.
    func inputGradient(
        of outputGradient: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>,
        into inputGradient: inout Buffer<Float>, _ context: StepContext
    ) {
        inputGradient.reserve(context.sampleCount * inputs)
        let outputGradient = outputGradient.span
        let weights = parameters.span.extracting(weights)
        var whole = inputGradient.mutableSpan
        var used = whole.part(0..<context.sampleCount * inputs)
        linearInputGradient(
            outputGradient, weights: weights, classes: outputs, microbatchSize: context.microbatchSize,
            into: &used,
            on: context.pool)
    }

    /// Bytes that `differentiate` takes.
    func byteCount(_ context: StepContext) -> Int {
        4 * context.placement.microbatches.count * parameters.count
    }
}
