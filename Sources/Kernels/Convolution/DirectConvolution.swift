internal import Numerics

/// One of the three passes of a convolution.
package enum ConvolutionPass: String, CaseIterable, Codable {
    case forward, inputGradient, weightGradient
}

/// Computes single elements of a convolution's results in double precision, by definition.
package struct DirectConvolution: ~Escapable {
    private let shape: ConvolutionShape
    private let images: Int
    private let input: Span<Float>
    private let weights: Span<Float>
    private let outputGradient: Span<Float>

    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - weights: Shape `[R, S, C, K]`.
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    @_lifetime(copy input, copy weights, copy outputGradient)
    package init(
        shape: ConvolutionShape, images: Int, input: Span<Float>, weights: Span<Float>,
        outputGradient: Span<Float>
    ) {
        self.shape = shape
        self.images = images
        self.input = input
        self.weights = weights
        self.outputGradient = outputGradient
    }

    /// Element `index` of the output, shape `[N, P, Q, K]`.
    func output(_ index: Int) -> Double {
        let (position, k) = index.quotientAndRemainder(dividingBy: shape.outputChannels)
        let (n, p, q) = place(position, height: shape.outputHeight, width: shape.outputWidth)
        var sum = 0.0
        for r in 0..<shape.kernel {
            for s in 0..<shape.kernel {
                guard let pixel = inputPixel(n, p, q, r, s) else { continue }
                for c in 0..<shape.channels {
                    sum += Double(input[pixel + c]) * Double(weights[weight(r, s, c, k)])
                }
            }
        }
        return sum
    }

    /// Element `index` of the input's gradient, shape `[N, H, W, C]`.
    func inputGradient(_ index: Int) -> Double {
        let (position, c) = index.quotientAndRemainder(dividingBy: shape.channels)
        let (n, y, x) = place(position, height: shape.height, width: shape.width)
        var sum = 0.0
        for r in 0..<shape.kernel {
            for s in 0..<shape.kernel {
                let (p, rowRest) = (y + shape.padding - r).quotientAndRemainder(dividingBy: shape.stride)
                let (q, columnRest) = (x + shape.padding - s).quotientAndRemainder(dividingBy: shape.stride)
                guard rowRest == 0, columnRest == 0, 0..<shape.outputHeight ~= p, 0..<shape.outputWidth ~= q
                else { continue }
                let pixel = outputPixel(n, p, q)
                for k in 0..<shape.outputChannels {
                    sum += Double(outputGradient[pixel + k]) * Double(weights[weight(r, s, c, k)])
                }
            }
        }
        return sum
    }

    /// Element `index` of the weights' gradient over all images, shape `[R, S, C, K]`.
    func weightGradient(_ index: Int) -> Double {
        let (tap, k) = index.quotientAndRemainder(dividingBy: shape.outputChannels)
        let (kernelPlace, c) = tap.quotientAndRemainder(dividingBy: shape.channels)
        let (r, s) = kernelPlace.quotientAndRemainder(dividingBy: shape.kernel)
        var sum = 0.0
        for n in 0..<images {
            for p in 0..<shape.outputHeight {
                for q in 0..<shape.outputWidth {
                    guard let pixel = inputPixel(n, p, q, r, s) else { continue }
                    sum += Double(input[pixel + c]) * Double(outputGradient[outputPixel(n, p, q) + k])
                }
            }
        }
        return sum
    }

    /// `‖result − expected‖ / ‖expected‖` over random elements, or `‖result‖` if all expected ones
    /// are 0; infinite if a result is NaN.
    ///
    /// - Parameters:
    ///   - result: The pass's result; the weight gradient's is summed over all images.
    ///   - samples: Number of elements that are computed in double precision.
    package func relativeError(of result: Span<Float>, _ pass: ConvolutionPass, samples: Int) -> Double {
        var random = RandomStream(seed: 0, purpose: .test)
        var (error, norm) = (0.0, 0.0)
        for _ in 0..<samples {
            let index = random.integer(below: result.count)
            let expected = element(index, of: pass)
            let difference = Double(result[index]) - expected
            error += difference * difference
            norm += expected * expected
        }
        let relative = (norm > 0 ? error / norm : error).squareRoot()
        return relative.isNaN ? .infinity : relative
    }

    private func element(_ index: Int, of pass: ConvolutionPass) -> Double {
        switch pass {
        case .forward: output(index)
        case .inputGradient: inputGradient(index)
        case .weightGradient: weightGradient(index)
        }
    }

    private func place(_ position: Int, height: Int, width: Int) -> (n: Int, y: Int, x: Int) {
        (position / (height * width), position / width % height, position % width)
    }

    /// Index of the first channel of the input pixel that output (p, q) reads at (r, s); `nil`
    /// outside the image.
    private func inputPixel(_ n: Int, _ p: Int, _ q: Int, _ r: Int, _ s: Int) -> Int? {
        let y = p * shape.stride + r - shape.padding
        let x = q * shape.stride + s - shape.padding
        guard 0..<shape.height ~= y, 0..<shape.width ~= x else { return nil }
        return ((n * shape.height + y) * shape.width + x) * shape.channels
    }

    private func outputPixel(_ n: Int, _ p: Int, _ q: Int) -> Int {
        ((n * shape.outputHeight + p) * shape.outputWidth + q) * shape.outputChannels
    }

    private func weight(_ r: Int, _ s: Int, _ c: Int, _ k: Int) -> Int {
        ((r * shape.kernel + s) * shape.channels + c) * shape.outputChannels + k
    }
}
