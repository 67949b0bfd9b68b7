internal import Kernels
internal import Workers

/// A linear layer, `y = W x + b`, and where its parameters lie.
final class LinearLayer {
    let inputs: Int
    let outputs: Int
    private let weights: Range<Int>
    private let bias: Range<Int>
    /// Shape `[lanes, outputs · inputs + outputs]`.
    private var laneGradients = Buffer<Float>(zeros: 0)

    /// The places of its weights, then its bias.
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
        into output: inout Buffer<Float>, _ pass: Pass
    ) {
        output.reserve(pass.sampleCount * outputs)
        let input = input.span
        let parameters = parameters.span
        var whole = output.mutableSpan
        var used = whole.part(0..<pass.sampleCount * outputs)
        linear(
            input, weights: parameters.extracting(weights), bias: parameters.extracting(bias),
            laneSize: pass.laneSize, into: &used, on: pass.pool)
    }

    /// Overwrites the layer's part of `gradients` with the sum over the rank's lanes.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, inputs]`.
    ///   - outputGradient: Shape `[N, outputs]`.
    func differentiate(
        _ input: borrowing Buffer<Float>, outputGradient: borrowing Buffer<Float>,
        into gradients: inout Buffer<Float>, _ pass: Pass
    ) {
        Self.fill(
            &laneGradients, input, outputGradient, inputs: inputs, outputs: outputs, pass)
        Self.sum(laneGradients, into: &gradients, at: parameters, pass)
    }

    private static func sum(
        _ laneGradients: borrowing Buffer<Float>, into gradients: inout Buffer<Float>, at place: Range<Int>,
        _ pass: Pass
    ) {
        let lanes = laneGradients.span
        var all = gradients.mutableSpan
        var own = all.part(place)
        sumLanes(lanes, laneCount: pass.placement.lanes.count, into: &own, on: pass.pool)
    }

    private static func fill(
        _ laneGradients: inout Buffer<Float>, _ input: borrowing Buffer<Float>,
        _ outputGradient: borrowing Buffer<Float>, inputs: Int, outputs: Int, _ pass: Pass
    ) {
        let count = pass.placement.lanes.count * (inputs + 1) * outputs
        laneGradients.reserve(count)
        let input = input.span
        let outputGradient = outputGradient.span.extracting(0..<pass.sampleCount * outputs)
        var whole = laneGradients.mutableSpan
        var used = whole.part(0..<count)
        linearWeightGradient(
            input, outputGradient: outputGradient, classes: outputs, dimension: inputs,
            laneSize: pass.laneSize, into: &used, on: pass.pool)
    }

    /// Overwrites `inputGradient`, shape `[N, inputs]`.
    ///
    /// - Parameter outputGradient: Shape `[N, outputs]`.
    func inputGradient(
        of outputGradient: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>,
        into inputGradient: inout Buffer<Float>, _ pass: Pass
    ) {
        inputGradient.reserve(pass.sampleCount * inputs)
        let outputGradient = outputGradient.span
        let weights = parameters.span.extracting(weights)
        var whole = inputGradient.mutableSpan
        var used = whole.part(0..<pass.sampleCount * inputs)
        linearInputGradient(
            outputGradient, weights: weights, classes: outputs, laneSize: pass.laneSize, into: &used,
            on: pass.pool)
    }

    /// Bytes that `differentiate` takes.
    func byteCount(_ pass: Pass) -> Int { 4 * pass.placement.lanes.count * parameters.count }
}
