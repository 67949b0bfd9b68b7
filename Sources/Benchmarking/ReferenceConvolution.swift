internal import Kernels
internal import Memory
package import Workers

/// The three passes of a convolution in double precision, each a plain sum of products.
package struct ReferenceConvolution: ~Copyable {
    /// Shape `[N, P, Q, K]`.
    private let output: Buffer<Double>
    /// Shape `[N, H, W, C]`.
    private let inputGradient: Buffer<Double>
    /// Shape `[R, S, C, K]`, summed over all images.
    private let weightGradient: Buffer<Double>

    /// - Parameter images: Number of images, the first of `tensors`.
    package init(_ tensors: borrowing ConvolutionTensors, images: Int, on pool: WorkerPool) {
        let shape = tensors.shape
        let (input, gradient) = (tensors.input.span, tensors.outputGradient.span)
        output = convolve(input, tensors.weights.span, shape, images: images, on: pool)
        inputGradient = gradientOfInput(gradient, tensors.weights.span, shape, images: images, on: pool)
        weightGradient = gradientOfWeights(input, gradient, shape, images: images, on: pool)
    }

    /// `‖result − reference‖ / ‖reference‖`: the rms error relative to the rms value.
    ///
    /// - Parameter result: The pass's result for the reference's images.
    package func relativeError(of result: Span<Float>, _ pass: ConvolutionPass) -> Double {
        switch pass {
        case .forward: distance(result, output.span)
        case .inputGradient: distance(result, inputGradient.span)
        case .weightGradient: distance(result, weightGradient.span)
        }
    }
}

/// `output[n, p, q, k] = sum over r, s, c of input[n, y, x, c] · weights[r, s, c, k]`.
private func convolve(
    _ input: Span<Float>, _ weights: Span<Float>, _ shape: ConvolutionShape, images: Int, on pool: WorkerPool
) -> Buffer<Double> {
    let (channels, outputs) = (shape.channels, shape.outputChannels)
    var output = Buffer<Double>(zeros: images * shape.outputCount)
    var span = output.mutableSpan
    pool.split(&span, every: shape.outputWidth * outputs) { item, row in
        let (n, p) = item.quotientAndRemainder(dividingBy: shape.outputHeight)
        for r in 0..<shape.kernel {
            let y = p * shape.stride + r - shape.padding
            guard 0..<shape.height ~= y else { continue }
            for tap in 0..<shape.kernel * channels {
                let (s, c) = tap.quotientAndRemainder(dividingBy: channels)
                let start = (r * shape.kernel * channels + tap) * outputs
                let factors = weights.extracting(start..<start + outputs)
                for q in 0..<shape.outputWidth {
                    let x = q * shape.stride + s - shape.padding
                    guard 0..<shape.width ~= x else { continue }
                    let value = input[((n * shape.height + y) * shape.width + x) * channels + c]
                    accumulate(value, factors, into: &row, at: q * outputs)
                }
            }
        }
    }
    return output
}

/// `gradient[n, y, x, c] = sum over r, s, k of outputGradient[n, p, q, k] · weights[r, s, c, k]`,
/// where `p · stride + r − padding = y` and `q` likewise.
private func gradientOfInput(
    _ outputGradient: Span<Float>, _ weights: Span<Float>, _ shape: ConvolutionShape, images: Int,
    on pool: WorkerPool
) -> Buffer<Double> {
    let (channels, outputs) = (shape.channels, shape.outputChannels)
    let turned = transposeEachTap(weights, shape)
    let turnedWeights = turned.span
    var gradient = Buffer<Double>(zeros: images * shape.inputCount)
    var span = gradient.mutableSpan
    pool.split(&span, every: shape.width * channels) { item, row in
        let (n, y) = item.quotientAndRemainder(dividingBy: shape.height)
        for r in 0..<shape.kernel {
            let (p, rest) = (y + shape.padding - r).quotientAndRemainder(dividingBy: shape.stride)
            guard rest == 0 && 0..<shape.outputHeight ~= p else { continue }
            for tap in 0..<shape.kernel * outputs {
                let (s, k) = tap.quotientAndRemainder(dividingBy: outputs)
                let start = (r * shape.kernel * outputs + tap) * channels
                let factors = turnedWeights.extracting(start..<start + channels)
                for q in 0..<shape.outputWidth {
                    let x = q * shape.stride + s - shape.padding
                    guard 0..<shape.width ~= x else { continue }
                    let place = (n * shape.outputHeight + p) * shape.outputWidth + q
                    accumulate(outputGradient[place * outputs + k], factors, into: &row, at: x * channels)
                }
            }
        }
    }
    return gradient
}

/// `gradient[r, s, c, k] = sum over n, p, q of input[n, y, x, c] · outputGradient[n, p, q, k]`.
private func gradientOfWeights(
    _ input: Span<Float>, _ outputGradient: Span<Float>, _ shape: ConvolutionShape, images: Int,
    on pool: WorkerPool
) -> Buffer<Double> {
    let (channels, outputs) = (shape.channels, shape.outputChannels)
    var gradient = Buffer<Double>(zeros: shape.weightCount)
    var span = gradient.mutableSpan
    pool.split(&span, every: outputs) { item, row in
        let (tap, c) = item.quotientAndRemainder(dividingBy: channels)
        let (r, s) = tap.quotientAndRemainder(dividingBy: shape.kernel)
        for position in 0..<images * shape.outputHeight {
            let (n, p) = position.quotientAndRemainder(dividingBy: shape.outputHeight)
            let y = p * shape.stride + r - shape.padding
            guard 0..<shape.height ~= y else { continue }
            for q in 0..<shape.outputWidth {
                let x = q * shape.stride + s - shape.padding
                guard 0..<shape.width ~= x else { continue }
                let start = (position * shape.outputWidth + q) * outputs
                let value = input[((n * shape.height + y) * shape.width + x) * channels + c]
                accumulate(value, outputGradient.extracting(start..<start + outputs), into: &row, at: 0)
            }
        }
    }
    return gradient
}

/// The weights with each tap's matrix transposed: shape `[R, S, K, C]`.
private func transposeEachTap(_ weights: Span<Float>, _ shape: ConvolutionShape) -> Buffer<Float> {
    let (channels, outputs) = (shape.channels, shape.outputChannels)
    var turned = Buffer<Float>(zeros: weights.count)
    var span = turned.mutableSpan
    for tap in 0..<shape.kernel * shape.kernel {
        for c in 0..<channels {
            for k in 0..<outputs {
                span[(tap * outputs + k) * channels + c] = weights[(tap * channels + c) * outputs + k]
            }
        }
    }
    return turned
}

/// `row[start + i] += value · factors[i]`; the products of single-precision values are exact.
@inline(__always)
private func accumulate(
    _ value: Float, _ factors: Span<Float>, into row: inout MutableSpan<Double>, at start: Int
) {
    let value = Double(value)
    var part = row.part(start..<start + factors.count)
    for i in factors.indices { part[i] += value * Double(factors[i]) }
}

/// `‖result − reference‖ / ‖reference‖`; infinite if a result is NaN.
private func distance(_ result: Span<Float>, _ reference: Span<Double>) -> Double {
    precondition(
        result.count == reference.count, "\(result.count) results for \(reference.count) of the reference")
    var (error, norm) = (0.0, 0.0)
    for i in result.indices {
        let difference = Double(result[i]) - reference[i]
        error += difference * difference
        norm += reference[i] * reference[i]
    }
    let distance = (error / norm).squareRoot()
    return distance.isNaN ? .infinity : distance
}
