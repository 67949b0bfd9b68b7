/// `max(x, 0)`.
package func plainReLU(_ input: [Double]) -> [Double] { input.map { max($0, 0) } }

/// The gradient of `plainReLU`'s input; its derivative at 0 is 0.
package func plainReLUGradient(_ outputGradient: [Double], input: [Double]) -> [Double] {
    zip(outputGradient, input).map { $1 > 0 ? $0 : 0 }
}

/// The mean over positions: `[N, positions, C]` to `[N, C]`.
package func plainGlobalAveragePool(_ input: [Double], channels: Int, positions: Int) -> [Double] {
    var output = [Double](repeating: 0, count: input.count / positions)
    for i in input.indices {
        let sample = i / (positions * channels)
        output[sample * channels + i % channels] += input[i] / Double(positions)
    }
    return output
}

/// The gradient of `plainGlobalAveragePool`'s input.
package func plainGlobalAveragePoolGradient(
    _ outputGradient: [Double], channels: Int, positions: Int
) -> [Double] {
    (0..<outputGradient.count * positions).map { i in
        outputGradient[i / (positions * channels) * channels + i % channels] / Double(positions)
    }
}
