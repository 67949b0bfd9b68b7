internal import Workers

extension ImplicitGEMMConvolution {
    /// Overwrites `panels` with the weights as column panels.
    ///
    /// - Parameters:
    ///   - weights: Shape `[R, S, C, K]` of the forward convolution.
    ///   - isTransposed: Whether the target's channels are `C`, as for the gradient of the input.
    func packWeights(
        _ weights: Span<Float>, isTransposed: Bool, into panels: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        guard inner > 0 else { return }
        if !(source.channels.isMultiple(of: vectorWidth) && target.channels.isMultiple(of: vectorWidth)) {
            panels.update(repeating: 0)
        }
        let (channels, outputs) = (source.channels, target.channels)
        let (inner, columns, taps) = (inner, columns, taps)
        let isLibrarys = arithmetic == .library
        let step = isLibrarys ? columns : vectorWidth
        let isWhole = channels.isMultiple(of: vectorWidth) && outputs.isMultiple(of: vectorWidth)
        let square = vectorWidth * vectorWidth
        var none = MutableSpan<Double>()
        unsafe pool.share(&panels, &none, items: columns / vectorWidth, scratch: square) {
            block, panels, _, scratch in
            let column = block * vectorWidth
            let start = isLibrarys ? column : column * inner
            for (t, tap) in taps.enumerated() {
                for c in 0..<channels {
                    if !isWhole {
                        for i in 0..<min(vectorWidth, outputs - column) {
                            panels[start + (t * channels + c) * step + i] =
                                isTransposed
                                ? weights[(tap.index * outputs + column + i) * channels + c]
                                : weights[(tap.index * channels + c) * outputs + column + i]
                        }
                    } else if !isTransposed {
                        panels.store(
                            weights.vector(at: (tap.index * channels + c) * outputs + column),
                            at: start + (t * channels + c) * step)
                    } else {
                        if c.isMultiple(of: vectorWidth) {
                            transposeSquare(
                                weights, at: (tap.index * outputs + column) * channels + c, stride: channels,
                                into: &scratch, at: 0)
                        }
                        panels.store(
                            scratch.vector(at: c % vectorWidth * vectorWidth),
                            at: start + (t * channels + c) * step)
                    }
                }
            }
            guard arithmetic == .integers else { return }
            for first in stride(from: 0, to: inner, by: Self.innerBlock) {
                packIntegerColumns(
                    &panels, at: start + first * vectorWidth, inner: min(Self.innerBlock, inner - first),
                    bits: IntegerBits.product,
                    scalesAt: weightCount + first / Self.innerBlock * columns + column)
            }
        }
    }
}
