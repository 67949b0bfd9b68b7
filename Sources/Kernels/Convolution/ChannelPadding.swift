internal import Memory
package import Workers

/// Overwrites `output` with every second position of `input`, with zero channels added on both
/// sides.
///
/// The parameter-free shortcut ("option A") of He, Zhang, Ren, Sun: "Deep residual learning for
/// image recognition", arXiv 1512.03385, section 3.3; the zero channels are divided evenly between
/// front and back.
///
/// - Parameters:
///   - input: Shape `[N, H, W, C]`.
///   - output: Shape `[N, ⌈H/2⌉, ⌈W/2⌉, K]`, `K ≥ C`.
package func subsampleAndPadChannels(
    _ input: Span<Float>, _ shape: ConvolutionShape, into output: inout MutableSpan<Float>,
    on pool: WorkerPool
) {
    let front = (shape.outputChannels - shape.channels) / 2
    pool.split(&output, every: shape.outputCount) { sample, part in
        part.update(repeating: 0)
        for p in 0..<shape.outputHeight {
            for q in 0..<shape.outputWidth {
                copy(
                    input, from: sample * shape.inputCount + sourceOffset(shape, p, q),
                    count: shape.channels, into: &part,
                    at: (p * shape.outputWidth + q) * shape.outputChannels + front)
            }
        }
    }
}

/// Adds to `inputGradient` the gradient of `subsampleAndPadChannels`' input.
///
/// - Parameters:
///   - outputGradient: Shape `[N, ⌈H/2⌉, ⌈W/2⌉, K]`.
///   - inputGradient: Shape `[N, H, W, C]`; added to.
package func accumulateSubsampledGradient(
    _ outputGradient: Span<Float>, _ shape: ConvolutionShape,
    into inputGradient: inout MutableSpan<Float>, on pool: WorkerPool
) {
    let front = (shape.outputChannels - shape.channels) / 2
    pool.split(&inputGradient, every: shape.inputCount) { sample, part in
        for p in 0..<shape.outputHeight {
            for q in 0..<shape.outputWidth {
                let target = sourceOffset(shape, p, q)
                let source =
                    sample * shape.outputCount + (p * shape.outputWidth + q) * shape.outputChannels + front
                let row = outputGradient.extracting(source..<source + shape.channels)
                for c in row.indices { part[target + c] += row[c] }
            }
        }
    }
}

private func sourceOffset(_ shape: ConvolutionShape, _ p: Int, _ q: Int) -> Int {
    (p * shape.stride * shape.width + q * shape.stride) * shape.channels
}
