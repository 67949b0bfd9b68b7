internal import CProcessor

/// A kernel whose products become results through an epilogue. `finish` specialises it for each
/// kind of epilogue, once for all kernels.
protocol ResultWriter {
    /// Passes results to sinks.
    ///
    /// - Parameters:
    ///   - products: In the kernel's own layout.
    ///   - items: The kernel's tiles or rows, counted over the batch.
    ///   - columns: Output channels, a multiple of 16.
    ///   - output: The whole output.
    ///   - sums: Shape `[N, 2, outputs]`, added to; empty if the epilogue computes no sums.
    func write<Sink: ResultSink>(
        _ products: Span<Float>, to _: Sink.Type, items: Range<Int>, columns: Range<Int>,
        _ epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    )
}

extension ResultWriter {
    /// Calls `write` with the type of sink of `epilogue`.
    @inline(__always)
    func finish(
        _ products: Span<Float>, items: Range<Int>, columns: Range<Int>, _ epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        @inline(__always)
        func write<Sink: ResultSink>(
            to sink: Sink.Type, _ epilogue: borrowing Epilogue, _ output: inout MutableSpan<Float>,
            _ sums: inout MutableSpan<Double>
        ) {
            self.write(
                products, to: sink, items: items, columns: columns, epilogue, into: &output, sums: &sums)
        }
        switch (epilogue.kind, epilogue.addend.isEmpty) {
        case (.moments, true): write(to: MomentsSink<NothingAdded>.self, epilogue, &output, &sums)
        case (.moments, false): write(to: MomentsSink<AddendAdded>.self, epilogue, &output, &sums)
        case (.store, true): write(to: StoringSink<NothingAdded>.self, epilogue, &output, &sums)
        case (.store, false): write(to: StoringSink<AddendAdded>.self, epilogue, &output, &sums)
        case (.normalize, true): write(to: NormalizingSink<NothingAdded>.self, epilogue, &output, &sums)
        case (.normalize, false): write(to: NormalizingSink<AddendAdded>.self, epilogue, &output, &sums)
        case (.maskByNormalized, true):
            write(to: NormalizedMaskSink<NothingAdded>.self, epilogue, &output, &sums)
        case (.maskByNormalized, false):
            write(to: NormalizedMaskSink<AddendAdded>.self, epilogue, &output, &sums)
        case (.maskByReLU, true):
            write(to: ReLUMaskSink<NothingAdded>.self, epilogue, &output, &sums)
        case (.maskByReLU, false):
            write(to: ReLUMaskSink<AddendAdded>.self, epilogue, &output, &sums)
        }
        if epilogue.writing.passesCaches { finishStoresPastCaches() }
    }
}

/// Sums over the results of a tile, in single precision.
struct TileSums {
    private var values = Vector()
    private var products = Vector()

    @inline(__always)
    mutating func add(_ taken: (value: Vector, factor: Vector)) {
        values += taken.value
        products = products.addingProduct(taken.value, taken.factor)
    }

    /// Adds these sums to those of a sample.
    ///
    /// - Parameters:
    ///   - channel: The first of the sixteen channels.
    ///   - sums: Shape `[N, 2, channels]`.
    @inline(__always)
    func add(to sums: inout MutableSpan<Double>, sample: Int, channel: Int, channels: Int) {
        let place = 2 * sample * channels + channel
        sums.accumulate(SIMD16<Double>(values), at: place)
        sums.accumulate(SIMD16<Double>(products), at: place + channels)
    }
}
