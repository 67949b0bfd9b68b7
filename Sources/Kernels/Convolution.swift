public import Workers

/// Overwrites `output` with the convolution (cross-correlation) of a batch.
///
/// `output[n, p, q, k] = sum over r, s, c of input[n, p·stride + r − padding, q·stride + s − padding, c] ·
/// weights[r, s, c, k]`
///
/// - Parameters:
///   - input: Shape `[N, H, W, C]`.
///   - weights: Shape `[R, S, C, K]`.
///   - laneSize: Samples in a lane; work is cut inside lanes.
///   - output: Shape `[N, P, Q, K]`.
public func convolve(
    _ input: Span<Float>, weights: Span<Float>, _ shape: ConvolutionShape, laneSize: Int,
    into output: inout MutableSpan<Float>, on pool: WorkerPool
) {
    precondition(weights.count == shape.weightCount, "\(weights.count) weights for \(shape)")
    let images = shape.imagesPerItem(laneSize: laneSize)
    let patchCount = shape.patchCount
    let scratch = shape.isPointwise ? 0 : images * shape.outputPositions * patchCount
    pool.split(&output, every: images * shape.outputCount, scratch: scratch) { item, part, scratch in
        let images = part.count / shape.outputCount
        let start = item * shape.imagesPerItem(laneSize: laneSize)
        let source = input.extracting(start * shape.inputCount..<(start + images) * shape.inputCount)
        let rows = images * shape.outputPositions
        if shape.isPointwise {
            matrixProduct(
                source, .none, weights, .none, rows: rows, columns: shape.outputChannels, inner: patchCount,
                into: &part)
        } else {
            var patches = scratch.part(0..<rows * patchCount)
            gatherPatches(source, shape, kernelRows: 0..<shape.kernel, images: images, into: &patches)
            matrixProduct(
                patches.span, .none, weights, .none, rows: rows, columns: shape.outputChannels,
                inner: patchCount,
                into: &part)
        }
    }
}

/// Overwrites `inputGradient` with the gradient of a convolution's input.
///
/// - Parameters:
///   - outputGradient: Shape `[N, P, Q, K]`.
///   - weights: Shape `[R, S, C, K]`.
///   - inputGradient: Shape `[N, H, W, C]`.
public func convolutionInputGradient(
    _ outputGradient: Span<Float>, weights: Span<Float>, _ shape: ConvolutionShape, laneSize: Int,
    into inputGradient: inout MutableSpan<Float>, on pool: WorkerPool
) {
    precondition(weights.count == shape.weightCount, "\(weights.count) weights for \(shape)")
    let images = shape.imagesPerItem(laneSize: laneSize)
    let patchCount = shape.patchCount
    let scratch = shape.isPointwise ? 0 : images * shape.outputPositions * patchCount
    pool.split(&inputGradient, every: images * shape.inputCount, scratch: scratch) { item, part, scratch in
        let images = part.count / shape.inputCount
        let start = item * shape.imagesPerItem(laneSize: laneSize)
        let source = outputGradient.extracting(
            start * shape.outputCount..<(start + images) * shape.outputCount)
        let rows = images * shape.outputPositions
        if shape.isPointwise {
            matrixProduct(
                source, .none, weights, .transposed, rows: rows, columns: patchCount,
                inner: shape.outputChannels, into: &part)
        } else {
            var patches = scratch.part(0..<rows * patchCount)
            matrixProduct(
                source, .none, weights, .transposed, rows: rows, columns: patchCount,
                inner: shape.outputChannels, into: &patches)
            scatterPatches(patches.span, shape, images: images, into: &part)
        }
    }
}

/// Overwrites `laneGradients` with the gradient of a convolution's weights, one for each lane.
///
/// - Parameters:
///   - input: Shape `[N, H, W, C]`.
///   - outputGradient: Shape `[N, P, Q, K]`.
///   - sampleCount: The samples `N`.
///   - laneGradients: Shape `[⌈N / laneSize⌉, R, S, C, K]`.
public func convolutionWeightGradient(
    _ input: Span<Float>, outputGradient: Span<Float>, _ shape: ConvolutionShape, sampleCount: Int,
    laneSize: Int, into laneGradients: inout MutableSpan<Float>, on pool: WorkerPool
) {
    let rowCount = shape.weightCount / shape.kernel
    let step = shape.imagesPerItem(laneSize: laneSize)
    let patchCount = shape.kernel * shape.channels
    let scratch = shape.isPointwise ? 0 : step * shape.outputPositions * patchCount
    pool.split(&laneGradients, every: rowCount, scratch: scratch) { item, part, scratch in
        let (lane, kernelRow) = item.quotientAndRemainder(dividingBy: shape.kernel)
        let end = min((lane + 1) * laneSize, sampleCount)
        for start in stride(from: lane * laneSize, to: end, by: step) {
            let images = min(step, end - start)
            let source = input.extracting(start * shape.inputCount..<(start + images) * shape.inputCount)
            let gradient = outputGradient.extracting(
                start * shape.outputCount..<(start + images) * shape.outputCount)
            let rows = images * shape.outputPositions
            let accumulates = start > lane * laneSize
            if shape.isPointwise {
                matrixProduct(
                    source, .transposed, gradient, .none, rows: patchCount, columns: shape.outputChannels,
                    inner: rows, into: &part, accumulates: accumulates)
            } else {
                var patches = scratch.part(0..<rows * patchCount)
                gatherPatches(
                    source, shape, kernelRows: kernelRow..<kernelRow + 1, images: images, into: &patches)
                matrixProduct(
                    patches.span, .transposed, gradient, .none, rows: patchCount,
                    columns: shape.outputChannels,
                    inner: rows, into: &part, accumulates: accumulates)
            }
        }
    }
}
