/// Batch normalisation of one group with its batch statistics.
package struct PlainBatchNormalization: Sendable {
    /// The output, in the shape of the input.
    package let output: [Double]
    /// Per channel; `variance` is biased, `unbiasedVariance` is used for the running statistics.
    package let mean: [Double], variance: [Double], unbiasedVariance: [Double]

    /// Normalises `input` of shape `[rows, C]` over its rows.
    package init(_ input: [Double], weight: [Double], bias: [Double], epsilon: Double = 1e-5) {
        let channels = weight.count
        let rows = input.count / channels
        var mean = [Double](repeating: 0, count: channels)
        var variance = mean
        for i in input.indices { mean[i % channels] += input[i] / Double(rows) }
        for i in input.indices {
            let difference = input[i] - mean[i % channels]
            variance[i % channels] += difference * difference / Double(rows)
        }
        output = input.indices.map { i in
            let c = i % channels
            return (input[i] - mean[c]) / (variance[c] + epsilon).squareRoot() * weight[c] + bias[c]
        }
        self.mean = mean
        self.variance = variance
        unbiasedVariance = variance.map { $0 * Double(rows) / Double(rows - 1) }
    }
}

/// The gradients of `PlainBatchNormalization`'s output with respect to input, weight and bias.
package func plainBatchNormalizationGradient(
    _ outputGradient: [Double], input: [Double], weight: [Double], epsilon: Double = 1e-5
) -> (input: [Double], weight: [Double], bias: [Double]) {
    let channels = weight.count
    let rows = Double(input.count / channels)
    let zeros = [Double](repeating: 0, count: channels)
    let forward = PlainBatchNormalization(input, weight: weight, bias: zeros, epsilon: epsilon)
    let inverse = forward.variance.map { 1 / ($0 + epsilon).squareRoot() }
    let normalized = input.indices.map { (input[$0] - forward.mean[$0 % channels]) * inverse[$0 % channels] }
    var weightGradient = zeros
    var biasGradient = zeros
    for i in input.indices {
        weightGradient[i % channels] += outputGradient[i] * normalized[i]
        biasGradient[i % channels] += outputGradient[i]
    }
    let inputGradient = input.indices.map { i in
        let c = i % channels
        let centered = outputGradient[i] - biasGradient[c] / rows - normalized[i] * weightGradient[c] / rows
        return weight[c] * inverse[c] * centered
    }
    return (inputGradient, weightGradient, biasGradient)
}
