internal import CProcessor
internal import Memory
package import Workers

// The part of batch normalisation that runs outside convolutions. Most of it runs in their
// prologues and epilogues.

/// Applies an epilogue to a gradient in place, as the convolution that computed it would have done.
///
/// - Parameters:
///   - gradient: Shape `[N, positions, C]`, `C` a multiple of 16.
///   - epilogue: A masking epilogue without an addend.
///   - sums: Shape `[N, 2, C]`; overwritten.
package func maskGradient(
    _ gradient: inout MutableSpan<Float>, epilogue: borrowing Epilogue, _ shape: MapShape,
    sums: inout MutableSpan<Double>, on pool: WorkerPool
) {
    shape.checkChannels()
    let epilogue = copy epilogue
    unsafe pool.share(&gradient, &sums, items: shape.sampleCount, scratch: 0) { sample, gradient, sums, _ in
        switch epilogue.kind {
        case .maskByNormalized:
            mask(
                &gradient, NormalizedMaskSink<NothingAdded>.self, epilogue, shape, sample: sample,
                sums: &sums)
        case .maskByReLU:
            mask(
                &gradient, ReLUMaskSink<NothingAdded>.self, epilogue, shape, sample: sample, sums: &sums)
        default: preconditionFailure("the epilogue masks nothing")
        }
    }
}

private func mask<Sink: ResultSink>(
    _ gradient: inout MutableSpan<Float>, _: Sink.Type, _ epilogue: borrowing Epilogue, _ shape: MapShape,
    sample: Int, sums: inout MutableSpan<Double>
) {
    let (channels, positions) = (shape.channels, shape.positions)
    let group = epilogue.groups.group(of: sample)
    for c in stride(from: 0, to: channels, by: vectorWidth) {
        let sink = Sink(epilogue, group: group, channel: c, channels: channels)
        var values = SIMD16<Double>()
        var products = SIMD16<Double>()
        for position in 0..<positions {
            let index = (sample * positions + position) * channels + c
            let taken = sink.take(
                gradient.span.vector(at: index, epilogue.storage), epilogue, at: index, into: &gradient)
            let wide = SIMD16<Double>(taken.value)
            values += wide
            products = products.addingProduct(wide, SIMD16<Double>(taken.factor))
        }
        sums.store(values, at: 2 * sample * channels + c)
        sums.store(products, at: (2 * sample + 1) * channels + c)
    }
}

/// Overwrites `sums` with each sample's sums of a gradient and of its products with the input of
/// the normalisation.
///
/// - Parameters:
///   - gradient: Shape `[N, positions, C]`, `C` a multiple of 16.
///   - normalized: Input of the normalisation; shape of `gradient`.
///   - sums: Shape `[N, 2, C]`.
package func sumGradientProducts(
    _ gradient: MapSpan, normalized: MapSpan, _ shape: MapShape,
    into sums: inout MutableSpan<Double>, on pool: WorkerPool
) {
    shape.checkChannels()
    let (channels, positions) = (shape.channels, shape.positions)
    var used = sums.part(0..<shape.sampleCount * 2 * channels)
    pool.split(&used, every: 2 * channels) { sample, sums in
        for c in stride(from: 0, to: channels, by: vectorWidth) {
            var values = SIMD16<Double>()
            var products = SIMD16<Double>()
            for position in 0..<positions {
                let index = (sample * positions + position) * channels + c
                let wide = SIMD16<Double>(gradient.vector(at: index))
                values += wide
                products = products.addingProduct(wide, SIMD16<Double>(normalized.vector(at: index)))
            }
            sums.store(values, at: c)
            sums.store(products, at: channels + c)
        }
    }
}

/// Overwrites `output` with the sum of two prologues' values, followed by ReLU if `appliesReLU`.
///
/// - Parameters:
///   - first: Any prologue; shape `[N, positions, C]`, `C` a multiple of 16.
///   - second: A plain or normalising prologue, plain if `first` does not normalise; shape of
///     `first`.
///   - output: Shape of `first`, stored as `storage`.
package func combine(
    _ first: borrowing Prologue, adding second: borrowing Prologue, appliesReLU: Bool, _ shape: MapShape,
    into output: inout MutableSpan<Float>, storing storage: MapStorage = .float32, on pool: WorkerPool
) {
    shape.checkChannels()
    let first = copy first
    let second = copy second
    var used = output.part(0..<storage.floatCount(shape.count))
    let sum = PrologueSum(
        shape: shape, floor: Vector(repeating: appliesReLU ? 0 : -.infinity),
        writing: MapWriting(storage: storage, passesCaches: used.isWrittenPastCaches(as: storage)))
    pool.split(&used, every: storage.floatCount(shape.sampleSize)) { sample, part in
        switch (first.reading, second.reading) {
        case (.normalized, .plain):
            sum.store(first, NormalizedReader.self, second, PlainReader.self, sample: sample, into: &part)
        case (.normalized, .normalized):
            sum.store(
                first, NormalizedReader.self, second, NormalizedReader.self, sample: sample, into: &part)
        case (.plain, .plain):
            sum.store(first, PlainReader.self, second, PlainReader.self, sample: sample, into: &part)
        case (.combined, .plain):
            sum.store(first, CombinedReader.self, second, PlainReader.self, sample: sample, into: &part)
        case (let own, let other): preconditionFailure("a sum of \(own) and \(other)")
        }
        if sum.writing.passesCaches { finishStoresPastCaches() }
    }
}

/// The sum of two prologues' values, at least `floor`.
private struct PrologueSum: Sendable {
    let shape: MapShape
    let floor: Vector
    let writing: MapWriting

    /// Overwrites one sample's part of the output.
    @inline(__always)
    func store<First: ChannelReader, Second: ChannelReader>(
        _ first: borrowing Prologue, _: First.Type, _ second: borrowing Prologue, _: Second.Type,
        sample: Int, into part: inout MutableSpan<Float>
    ) {
        let channels = shape.channels
        let start = sample * shape.sampleSize
        let firstGroup = first.groups.group(of: sample)
        let secondGroup = second.groups.group(of: sample)
        for offset in stride(from: 0, to: shape.sampleSize, by: channels) {
            for c in stride(from: 0, to: channels, by: vectorWidth) {
                let own = First(first, group: firstGroup, channel: c, channels: channels)
                let other = Second(second, group: secondGroup, channel: c, channels: channels)
                let place = start + offset + c
                let sum = own.vector(first, at: place) + other.vector(second, at: place)
                part.store(sum.atLeast(floor), at: offset + c, as: writing)
            }
        }
    }
}

/// Overwrites `output` with a prologue's values.
///
/// - Parameters:
///   - prologue: Shape `[N, positions, C]`, `C` a multiple of 16.
///   - output: Shape of `prologue`, stored as `storage`.
package func store(
    _ prologue: borrowing Prologue, _ shape: MapShape, into output: inout MutableSpan<Float>,
    storing storage: MapStorage = .float32, on pool: WorkerPool
) {
    shape.checkChannels()
    let prologue = copy prologue
    var used = output.part(0..<storage.floatCount(shape.count))
    pool.split(&used, every: storage.floatCount(shape.sampleSize)) { sample, part in
        switch prologue.reading {
        case .plain: store(prologue, PlainReader.self, shape, sample: sample, into: &part, storage)
        case .normalized:
            store(prologue, NormalizedReader.self, shape, sample: sample, into: &part, storage)
        case .combined: store(prologue, CombinedReader.self, shape, sample: sample, into: &part, storage)
        }
    }
}

/// Overwrites one sample's part of the output.
private func store<Reader: ChannelReader>(
    _ prologue: borrowing Prologue, _: Reader.Type, _ shape: MapShape, sample: Int,
    into part: inout MutableSpan<Float>, _ storage: MapStorage
) {
    let channels = shape.channels
    let group = prologue.groups.group(of: sample)
    let start = sample * shape.sampleSize
    for offset in stride(from: 0, to: shape.sampleSize, by: channels) {
        for c in stride(from: 0, to: channels, by: vectorWidth) {
            let reader = Reader(prologue, group: group, channel: c, channels: channels)
            part.store(
                reader.vector(prologue, at: start + offset + c), at: offset + c,
                as: MapWriting(storage: storage))
        }
    }
}
