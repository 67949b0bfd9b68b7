internal import Workers

extension WinogradConvolution {
    /// Overwrites `panels` with `G g Gᵀ`, shape `[36, K / 16, C, 16]`.
    ///
    /// - Parameter weights: Shape `[3, 3, C, K]`.
    func transformWeights(_ weights: Span<Float>, into panels: inout MutableSpan<Float>, on pool: WorkerPool)
    {
        let (channels, outputs) = (channels, outputs)
        let size = channels * outputs
        var none = MutableSpan<Double>()
        pool.share(&panels, &none, items: outputs / vectorWidth, scratch: 0) { block, panels, _, _ in
            for c in 0..<channels {
                transformKernel(at: (block * channels + c) * vectorWidth, stride: size, into: &panels) {
                    tap in
                    weights.vector(at: (tap * channels + c) * outputs + block * vectorWidth)
                }
            }
        }
    }

    /// Overwrites `panels` with the transform of the turned and transposed weights, for the input's gradient.
    ///
    /// - Parameter weights: Of the forward convolution: shape `[3, 3, K, C]` in terms of this one.
    func transformTurnedWeights(
        _ weights: Span<Float>, into panels: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        let (channels, outputs) = (channels, outputs)
        let size = channels * outputs
        let square = vectorWidth * vectorWidth
        var none = MutableSpan<Double>()
        pool.share(
            &panels, &none, items: outputs / vectorWidth * (channels / vectorWidth), scratch: 9 * square
        ) { item, panels, _, scratch in
            let (block, part) = item.quotientAndRemainder(dividingBy: channels / vectorWidth)
            for tap in 0..<9 {
                let start = ((8 - tap) * outputs + block * vectorWidth) * channels + part * vectorWidth
                transposeSquare(weights, at: start, stride: channels, into: &scratch, at: tap * square)
            }
            for c in 0..<vectorWidth {
                let place = (block * channels + part * vectorWidth + c) * vectorWidth
                transformKernel(at: place, stride: size, into: &panels) { tap in
                    scratch.vector(at: tap * square + c * vectorWidth)
                }
            }
        }
    }

    @inline(__always)
    private func transformKernel(
        at start: Int, stride: Int, into panels: inout MutableSpan<Float>, _ tap: (Int) -> Vector
    ) {
        let c0 = winogradWeight(tap(0), tap(3), tap(6))
        let c1 = winogradWeight(tap(1), tap(4), tap(7))
        let c2 = winogradWeight(tap(2), tap(5), tap(8))
        storeSix(winogradWeight(c0.m0, c1.m0, c2.m0), &panels, start, stride)
        storeSix(winogradWeight(c0.m1, c1.m1, c2.m1), &panels, start + 6 * stride, stride)
        storeSix(winogradWeight(c0.m2, c1.m2, c2.m2), &panels, start + 12 * stride, stride)
        storeSix(winogradWeight(c0.m3, c1.m3, c2.m3), &panels, start + 18 * stride, stride)
        storeSix(winogradWeight(c0.m4, c1.m4, c2.m4), &panels, start + 24 * stride, stride)
        storeSix(winogradWeight(c0.m5, c1.m5, c2.m5), &panels, start + 30 * stride, stride)
    }
}
