package import Kernels

/// Calls `body` with each triple (input element, weight, output element) that a convolution
/// multiplies and adds.
///
/// One convolution and its two gradients are sums over the same triples: this is the specification
/// of all three.
private func forEachProduct(
    _ shape: ConvolutionShape, samples: Int, _ body: (_ input: Int, _ weight: Int, _ output: Int) -> Void
) {
    for n in 0..<samples {
        for p in 0..<shape.outputHeight {
            for q in 0..<shape.outputWidth {
                for r in 0..<shape.kernel {
                    for s in 0..<shape.kernel {
                        let y = p * shape.stride + r - shape.padding
                        let x = q * shape.stride + s - shape.padding
                        guard 0..<shape.height ~= y && 0..<shape.width ~= x else { continue }
                        let input = ((n * shape.height + y) * shape.width + x) * shape.channels
                        let output =
                            ((n * shape.outputHeight + p) * shape.outputWidth + q) * shape.outputChannels
                        let weight = (r * shape.kernel + s) * shape.channels * shape.outputChannels
                        for c in 0..<shape.channels {
                            for k in 0..<shape.outputChannels {
                                body(input + c, weight + c * shape.outputChannels + k, output + k)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The specification of `convolve`: input `[N, H, W, C]`, weights `[R, S, C, K]`, output
/// `[N, P, Q, K]`.
package func plainConvolution(
    _ input: [Double], weights: [Double], _ shape: ConvolutionShape
) -> [Double] {
    let samples = input.count / shape.inputCount
    var output = [Double](repeating: 0, count: samples * shape.outputCount)
    forEachProduct(shape, samples: samples) { i, w, o in output[o] += input[i] * weights[w] }
    return output
}

/// The specification of `convolutionInputGradient`.
package func plainConvolutionInputGradient(
    _ outputGradient: [Double], weights: [Double], _ shape: ConvolutionShape
) -> [Double] {
    let samples = outputGradient.count / shape.outputCount
    var gradient = [Double](repeating: 0, count: samples * shape.inputCount)
    forEachProduct(shape, samples: samples) { i, w, o in gradient[i] += outputGradient[o] * weights[w] }
    return gradient
}

/// The specification of `convolutionWeightGradient`, summed over all samples.
package func plainConvolutionWeightGradient(
    _ input: [Double], outputGradient: [Double], _ shape: ConvolutionShape
) -> [Double] {
    var gradient = [Double](repeating: 0, count: shape.weightCount)
    forEachProduct(shape, samples: input.count / shape.inputCount) { i, w, o in
        gradient[w] += input[i] * outputGradient[o]
    }
    return gradient
}
