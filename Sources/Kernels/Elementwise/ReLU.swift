/// Overwrites values below 0 with 0.
package func relu(_ values: inout MutableSpan<Float>) {
    for i in values.indices { values[i] = values[i] < 0 ? 0 : values[i] }
}

/// Overwrites the gradient of ReLU's output with that of its input: 0 where the output is 0.
///
/// - Parameters:
///   - reluOutput: The values after `relu`.
///   - gradient: As many elements as `reluOutput`.
package func reluGradient(_ reluOutput: Span<Float>, _ gradient: inout MutableSpan<Float>) {
    precondition(
        reluOutput.count == gradient.count, "\(reluOutput.count) values, \(gradient.count) gradients")
    for i in gradient.indices { gradient[i] = reluOutput[i] > 0 ? gradient[i] : 0 }
}
