internal import Memory
package import Workers

/// Overwrites `output` with `input · weightsᵀ + bias`.
///
/// - Parameters:
///   - input: Shape `[N, D]`.
///   - weights: Shape `[K, D]`.
///   - bias: Shape `[K]`.
///   - output: Shape `[N, K]`.
package func linear(
    _ input: Span<Float>, weights: Span<Float>, bias: Span<Float>, microbatchSize: Int,
    into output: inout MutableSpan<Float>, on pool: WorkerPool
) {
    let classes = bias.count
    let dimension = weights.count / classes
    pool.split(&output, every: microbatchSize * classes, scratch: matrixProductScratchCount) {
        microbatch, part, scratch in
        let rows = part.count / classes
        let start = microbatch * microbatchSize * dimension
        matrixProduct(
            StoredMatrix(
                input.extracting(start..<start + rows * dimension), rows: rows, columns: dimension),
            StoredMatrix(weights, .transposed, rows: dimension, columns: classes), into: &part,
            scratch: &scratch)
        for row in 0..<rows {
            for k in 0..<classes { part[row * classes + k] += bias[k] }
        }
    }
}

/// Overwrites `inputGradient` with `outputGradient · weights`.
///
/// - Parameters:
///   - outputGradient: Shape `[N, K]`.
///   - weights: Shape `[K, D]`.
///   - inputGradient: Shape `[N, D]`.
package func linearInputGradient(
    _ outputGradient: Span<Float>, weights: Span<Float>, classes: Int, microbatchSize: Int,
    into inputGradient: inout MutableSpan<Float>, on pool: WorkerPool
) {
    let dimension = weights.count / classes
    pool.split(&inputGradient, every: microbatchSize * dimension, scratch: matrixProductScratchCount) {
        microbatch, part, scratch in
        let rows = part.count / dimension
        let start = microbatch * microbatchSize * classes
        matrixProduct(
            StoredMatrix(
                outputGradient.extracting(start..<start + rows * classes), rows: rows, columns: classes),
            StoredMatrix(weights, rows: classes, columns: dimension), into: &part, scratch: &scratch)
    }
}

/// Overwrites `microbatchGradients` with each microbatch's gradient of the weights, followed by
/// that of the bias.
///
/// - Parameters:
///   - input: Shape `[N, D]`.
///   - outputGradient: Shape `[N, K]`.
///   - microbatchGradients: Shape `[⌈N / microbatchSize⌉, K · D + K]`.
package func linearWeightGradient(
    _ input: Span<Float>, outputGradient: Span<Float>, classes: Int, dimension: Int, microbatchSize: Int,
    into microbatchGradients: inout MutableSpan<Float>, on pool: WorkerPool
) {
    let sampleCount = outputGradient.count / classes
    pool.split(&microbatchGradients, every: (dimension + 1) * classes, scratch: matrixProductScratchCount) {
        microbatch, part, scratch in
        let samples = microbatch * microbatchSize..<min((microbatch + 1) * microbatchSize, sampleCount)
        let gradient = outputGradient.extracting(
            samples.lowerBound * classes..<samples.upperBound * classes)
        var weights = part.part(0..<classes * dimension)
        matrixProduct(
            StoredMatrix(gradient, .transposed, rows: classes, columns: samples.count),
            StoredMatrix(
                input.extracting(samples.lowerBound * dimension..<samples.upperBound * dimension),
                rows: samples.count, columns: dimension),
            into: &weights, scratch: &scratch)
        var bias = part.part(classes * dimension..<part.count)
        bias.update(repeating: 0)
        for row in 0..<samples.count {
            for k in 0..<classes { bias[k] += gradient[row * classes + k] }
        }
    }
}
