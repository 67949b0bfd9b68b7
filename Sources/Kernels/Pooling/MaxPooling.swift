internal import Memory
package import Workers

/// Overwrites `output` with the largest input of each window, and `choices` with its position in
/// the window.
///
/// Padding counts as −∞; among equal inputs the first in scan order is chosen; a window with a NaN
/// gives NaN.
///
/// - Parameters:
///   - input: Shape `[N, H, W, C]`.
///   - shape: Size, stride and padding of the windows, `K` = `C`.
///   - output: Shape `[N, P, Q, C]`.
///   - choices: Shape of `output`: `r · S + s`.
/// - Precondition: The padding is at most half of the kernel, so that each window has an input.
package func maxPool(
    _ input: Span<Float>, _ shape: ConvolutionShape, into output: inout MutableSpan<Float>,
    choices: inout MutableSpan<UInt8>, on pool: WorkerPool
) {
    checkWindows(shape)
    let channels = shape.channels
    pool.split(&output, every: shape.outputCount, &choices, every: shape.outputCount) {
        sample, output, choices in
        let image = input.extracting(sample * shape.inputCount..<(sample + 1) * shape.inputCount)
        for p in 0..<shape.outputHeight {
            for q in 0..<shape.outputWidth {
                let start = (p * shape.outputWidth + q) * channels
                var largest = output.part(start..<start + channels)
                var chosen = choices.part(start..<start + channels)
                var isFirst = true
                for r in shape.windowPart(at: p, within: shape.height) {
                    for s in shape.windowPart(at: q, within: shape.width) {
                        let y = p * shape.stride + r - shape.padding
                        let x = q * shape.stride + s - shape.padding
                        let place = (y * shape.width + x) * channels
                        let values = image.extracting(place..<place + channels)
                        let choice = UInt8(truncatingIfNeeded: r * shape.kernel + s)
                        if isFirst {
                            take(values, choice, into: &largest, &chosen)
                            isFirst = false
                        } else {
                            takeLarger(values, choice, into: &largest, &chosen)
                        }
                    }
                }
            }
        }
    }
}

/// Overwrites `inputGradient` with the gradient of the input of `maxPool`.
///
/// Each input gathers the gradients of the windows that chose it, in scan order, so no two workers
/// write the same element.
///
/// - Parameters:
///   - outputGradient: Shape `[N, P, Q, C]`.
///   - choices: As written by `maxPool`.
///   - inputGradient: Shape `[N, H, W, C]`.
package func maxPoolGradient(
    _ outputGradient: Span<Float>, choices: Span<UInt8>, _ shape: ConvolutionShape,
    into inputGradient: inout MutableSpan<Float>, on pool: WorkerPool
) {
    checkWindows(shape)
    let channels = shape.channels
    pool.split(&inputGradient, every: shape.inputCount) { sample, part in
        let first = sample * shape.outputCount
        let gradients = outputGradient.extracting(first..<first + shape.outputCount)
        let choices = choices.extracting(first..<first + shape.outputCount)
        for y in 0..<shape.height {
            for x in 0..<shape.width {
                let place = (y * shape.width + x) * channels
                var target = part.part(place..<place + channels)
                target.update(repeating: 0)
                for p in shape.windows(over: y, of: shape.outputHeight) {
                    for q in shape.windows(over: x, of: shape.outputWidth) {
                        let r = y + shape.padding - p * shape.stride
                        let s = x + shape.padding - q * shape.stride
                        let start = (p * shape.outputWidth + q) * channels
                        accumulateChosen(
                            gradients.extracting(start..<start + channels),
                            choices.extracting(start..<start + channels),
                            UInt8(truncatingIfNeeded: r * shape.kernel + s), into: &target)
                    }
                }
            }
        }
    }
}

private func checkWindows(_ shape: ConvolutionShape) {
    precondition(
        shape.outputChannels == shape.channels,
        "max-pooling \(shape.channels) channels into \(shape.outputChannels)")
    precondition(
        2 * shape.padding <= shape.kernel && shape.kernel <= 16,
        "a max-pooling window of \(shape.kernel) with padding \(shape.padding)")
}

private func take(
    _ values: Span<Float>, _ choice: UInt8, into largest: inout MutableSpan<Float>,
    _ chosen: inout MutableSpan<UInt8>
) {
    for c in values.indices { largest[c] = values[c] }
    chosen.update(repeating: choice)
}

private func takeLarger(
    _ values: Span<Float>, _ choice: UInt8, into largest: inout MutableSpan<Float>,
    _ chosen: inout MutableSpan<UInt8>
) {
    for c in values.indices {
        let value = values[c]
        let isTaken = value > largest[c] || value.isNaN
        largest[c] = isTaken ? value : largest[c]
        chosen[c] = isTaken ? choice : chosen[c]
    }
}

private func accumulateChosen(
    _ gradients: Span<Float>, _ choices: Span<UInt8>, _ choice: UInt8,
    into target: inout MutableSpan<Float>
) {
    for c in gradients.indices {
        target[c] += choices[c] == choice ? gradients[c] : 0
    }
}

extension ConvolutionShape {
    /// The kernel positions, along one axis, of window `p` that lie on the image of `size`.
    fileprivate func windowPart(at p: Int, within size: Int) -> Range<Int> {
        let start = p * stride - padding
        return max(0, -start)..<min(kernel, size - start)
    }

    /// The windows, along one axis with `count` of them, that position `y` lies in.
    fileprivate func windows(over y: Int, of count: Int) -> Range<Int> {
        let first = max(0, (y + padding - kernel + stride) / stride)
        return first..<max(first, min(count, (y + padding) / stride + 1))
    }
}
