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
        bias = store.parameter("\(name).bias", shape: [outputs], kind: .bias, .torchDefault(fanIn: inputs))
        precondition(bias.lowerBound == weights.upperBound, "the bias follows the weights")
    }

    /// Overwrites `output`, shape `[N, outputs]`.
    ///
    /// - Parameter input: Shape `[N, inputs]`.
    func forward(
        _ input: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>,
        into output: inout Buffer<Float>, _ context: StepContext
    ) {
        withSpans(input, parameters, into: &output, count: context.sampleCount * outputs) {
            linear(
                $0, weights: $1.extracting(weights), bias: $1.extracting(bias),
                microbatchSize: context.microbatchSize, into: &$2, on: context.pool)
        }
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
        let count = context.placement.microbatches.count * (inputs + 1) * outputs
        withSpans(input, outputGradient, into: &microbatchGradients, count: count) {
            linearWeightGradient(
                $0, outputGradient: $1.extracting(0..<context.sampleCount * outputs), classes: outputs,
                dimension: inputs, microbatchSize: context.microbatchSize, into: &$2, on: context.pool)
        }
        withSpans(microbatchGradients, into: &gradients) {
            var own = $1.part(parameters)
            sumMicrobatches(
                $0, microbatchCount: context.placement.microbatches.count, into: &own, on: context.pool)
        }
    }

    /// Overwrites `inputGradient`, shape `[N, inputs]`.
    ///
    /// - Parameter outputGradient: Shape `[N, outputs]`.
    func inputGradient(
        of outputGradient: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>,
        into inputGradient: inout Buffer<Float>, _ context: StepContext
    ) {
        withSpans(outputGradient, parameters, into: &inputGradient, count: context.sampleCount * inputs) {
            linearInputGradient(
                $0, weights: $1.extracting(weights), classes: outputs,
                microbatchSize: context.microbatchSize, into: &$2, on: context.pool)
        }
    }

    /// Bytes that `differentiate` takes.
    func byteCount(_ context: StepContext) -> Int {
        4 * context.placement.microbatches.count * parameters.count
    }
}
