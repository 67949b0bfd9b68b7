internal import CProcessor
internal import Workers

/// Channels ahead of which weights are requested.
private let weightsAhead = 8

extension KernelTransform {
    /// Overwrites `panels` with `G g Gᵀ`, shape `[36, K / 16, C, 16]`.
    ///
    /// - Parameter weights: Shape `[3, 3, C, K]`.
    static func transform(
        _ weights: Span<Float>, channels: Int, outputs: Int, into panels: inout MutableSpan<Float>,
        on pool: WorkerPool
    ) {
        let passesCaches = panels.isWrittenPastCaches
        var none = MutableSpan<Double>()
        unsafe pool.share(&panels, &none, items: outputs / vectorWidth, scratch: 0) { block, panels, _, _ in
            transformBlock(
                weights, block, channels: channels, outputs: outputs, into: &panels,
                at: block * channels * vectorWidth, stride: channels * outputs, pastCaches: passesCaches)
            if passesCaches { finishStoresPastCaches() }
        }
    }

    /// Stores the transform of the weights of sixteen outputs: 36 panels of shape `[C, 16]`, which are
    /// `stride` elements apart.
    static func transformBlock(
        _ weights: Span<Float>, _ block: Int, channels: Int, outputs: Int,
        into panels: inout MutableSpan<Float>, at start: Int, stride: Int, pastCaches: Bool
    ) {
        for c in 0..<channels {
            // The nine weights of a channel are far apart, and the next channel's a row further.
            for tap in 0..<9 {
                weights.prefetch(
                    at: (tap * channels + c + weightsAhead) * outputs + block * vectorWidth)
            }
            transform(at: start + c * vectorWidth, stride: stride, pastCaches: pastCaches, into: &panels) {
                weights.vector(at: ($0 * channels + c) * outputs + block * vectorWidth)
            }
        }
    }

    /// Overwrites `panels` with the transform of the rotated and transposed weights, for the
    /// gradient of the input.
    ///
    /// - Parameters:
    ///   - weights: Weights of the forward convolution: shape `[3, 3, outputs, channels]`.
    ///   - channels: Input channels of the convolution that computes the gradient.
    static func transformTurned(
        _ weights: Span<Float>, channels: Int, outputs: Int, into panels: inout MutableSpan<Float>,
        on pool: WorkerPool
    ) {
        let passesCaches = panels.isWrittenPastCaches
        var none = MutableSpan<Double>()
        unsafe pool.share(&panels, &none, items: outputs / vectorWidth, scratch: 0) { block, panels, _, _ in
            transformTurnedBlock(
                weights, block, channels: channels, outputs: outputs, into: &panels,
                at: block * channels * vectorWidth, stride: channels * outputs, pastCaches: passesCaches)
            if passesCaches { finishStoresPastCaches() }
        }
    }

    /// Stores the transform of the rotated and transposed weights of sixteen outputs, as `transformBlock`
    /// does.
    static func transformTurnedBlock(
        _ weights: Span<Float>, _ block: Int, channels: Int, outputs: Int,
        into panels: inout MutableSpan<Float>, at start: Int, stride: Int, pastCaches: Bool
    ) {
        let square = vectorWidth * vectorWidth
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 9 * square) { memory in
            unsafe memory.initialize(repeating: 0)
            var turned = unsafe MutableSpan(_unsafeElements: memory)
            for part in Swift.stride(from: 0, to: channels, by: vectorWidth) {
                for tap in 0..<9 {
                    let start = ((8 - tap) * outputs + block * vectorWidth) * channels + part
                    for row in 0..<vectorWidth {
                        weights.prefetch(at: start + row * channels + 2 * vectorWidth)
                    }
                    transposeSquare(weights, at: start, stride: channels, into: &turned, at: tap * square)
                }
                for c in 0..<vectorWidth {
                    transform(
                        at: start + (part + c) * vectorWidth, stride: stride, pastCaches: pastCaches,
                        into: &panels
                    ) { tap in
                        turned.vector(at: tap * square + c * vectorWidth)
                    }
                }
            }
        }
    }

    @inline(__always)
    private static func transform(
        at start: Int, stride: Int, pastCaches: Bool, into panels: inout MutableSpan<Float>,
        _ tap: (Int) -> Vector
    ) {
        let c0 = weight(tap(0), tap(3), tap(6))
        let c1 = weight(tap(1), tap(4), tap(7))
        let c2 = weight(tap(2), tap(5), tap(8))
        @inline(__always)
        func put(_ row: Int, _ six: WinogradSix) {
            let place = start + 6 * row * stride
            panels.store(six.m0, at: place, pastCaches: pastCaches)
            panels.store(six.m1, at: place + stride, pastCaches: pastCaches)
            panels.store(six.m2, at: place + 2 * stride, pastCaches: pastCaches)
            panels.store(six.m3, at: place + 3 * stride, pastCaches: pastCaches)
            panels.store(six.m4, at: place + 4 * stride, pastCaches: pastCaches)
            panels.store(six.m5, at: place + 5 * stride, pastCaches: pastCaches)
        }
        put(0, weight(c0.m0, c1.m0, c2.m0))
        put(1, weight(c0.m1, c1.m1, c2.m1))
        put(2, weight(c0.m2, c1.m2, c2.m2))
        put(3, weight(c0.m3, c1.m3, c2.m3))
        put(4, weight(c0.m4, c1.m4, c2.m4))
        put(5, weight(c0.m5, c1.m5, c2.m5))
    }

    /// Stores `Gᵀ m G` of a block of products.
    ///
    /// - Parameters:
    ///   - products: Shape `[36, block, width]`, of which a row for each of `rows` and a column for
    ///     each of `columns` are used.
    ///   - block: Elements of one of the 36.
    ///   - gradient: Shape `[3, 3, channels, outputs]`; `rows` and `columns` are overwritten.
    static func storeGradient(
        _ products: Span<Float>, block: Int, width: Int, rows: Range<Int>, columns: Range<Int>,
        channels: Int, outputs: Int, into gradient: inout MutableSpan<Float>
    ) {
        for c in rows {
            for k in stride(from: columns.lowerBound, to: columns.upperBound, by: vectorWidth) {
                let start = (c - rows.lowerBound) * width + k - columns.lowerBound
                @inline(__always)
                func column(_ j: Int) -> (g0: Vector, g1: Vector, g2: Vector) {
                    @inline(__always)
                    func value(_ i: Int) -> Vector { products.vector(at: start + (6 * i + j) * block) }
                    return weightGradient(
                        WinogradSix(
                            m0: value(0), m1: value(1), m2: value(2), m3: value(3), m4: value(4), m5: value(5)
                        ))
                }
                let (c0, c1, c2, c3, c4, c5) = (
                    column(0), column(1), column(2), column(3), column(4), column(5)
                )
                @inline(__always)
                func put(_ r: Int, _ six: WinogradSix) {
                    let row = weightGradient(six)
                    gradient.store(row.g0, at: ((3 * r) * channels + c) * outputs + k)
                    gradient.store(row.g1, at: ((3 * r + 1) * channels + c) * outputs + k)
                    gradient.store(row.g2, at: ((3 * r + 2) * channels + c) * outputs + k)
                }
                put(0, WinogradSix(m0: c0.g0, m1: c1.g0, m2: c2.g0, m3: c3.g0, m4: c4.g0, m5: c5.g0))
                put(1, WinogradSix(m0: c0.g1, m1: c1.g1, m2: c2.g1, m3: c3.g1, m4: c4.g1, m5: c5.g1))
                put(2, WinogradSix(m0: c0.g2, m1: c1.g2, m2: c2.g2, m3: c3.g2, m4: c4.g2, m5: c5.g2))
            }
        }
    }
}
