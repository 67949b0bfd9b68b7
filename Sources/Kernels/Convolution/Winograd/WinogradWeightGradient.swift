internal import Memory
internal import Workers

/// The weight gradient of a 3×3 convolution by F(4×4, 3×3): `Gᵀ [Σ (Bᵀ d B) ⊙ (A y Aᵀ)] G`, summed
/// over tiles.
struct WinogradWeightGradient: Sendable {
    private let convolution: WinogradConvolution
    private var channels: Int { convolution.channels }
    private var outputs: Int { convolution.outputs }

    /// Tiles that are summed in one chain. Sums of this many tiles are added in order, which is
    /// part of the mathematics.
    private static let chunk = 128
    /// Elements of a block of `[C, K]` whose 36 products stay in the cache.
    private static let blockCount = 4096

    init(_ convolution: WinogradConvolution) { self.convolution = convolution }

    /// Overwrites `microbatchGradients` with each microbatch's gradient.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - microbatchGradients: Shape `[⌈N / microbatchSize⌉, 3, 3, C, K]`.
    func accumulate(
        input: borrowing Prologue, outputGradient: borrowing Prologue, sampleCount: Int, microbatchSize: Int,
        into microbatchGradients: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        let (microbatches, splits, layout) = cut(
            sampleCount: sampleCount, microbatchSize: microbatchSize, threads: pool.threads)
        let input = copy input
        let outputGradient = copy outputGradient
        var none = MutableSpan<Double>()
        unsafe pool.share(
            &microbatchGradients, &none, items: microbatches * splits.channels * splits.outputs,
            scratch: layout.count
        ) { item, gradients, _, scratch in
            let (microbatch, split) = item.quotientAndRemainder(dividingBy: splits.channels * splits.outputs)
            let channelRange = layout.channelRange(split / splits.outputs, of: channels)
            let outputRange = layout.outputRange(split % splits.outputs, of: outputs)
            guard !channelRange.isEmpty && !outputRange.isEmpty else { return }
            let samples = microbatch * microbatchSize..<min((microbatch + 1) * microbatchSize, sampleCount)
            let start = microbatch * convolution.shape.weightCount
            var own = gradients.part(start..<start + convolution.shape.weightCount)
            run(
                input: input, outputGradient: outputGradient, samples: samples, channelRange, outputRange,
                layout, into: &own, scratch: &scratch)
        }
    }

    /// Floats of scratch memory per worker that `accumulate` needs.
    func scratchCount(sampleCount: Int, microbatchSize: Int, threads: Int) -> Int {
        cut(sampleCount: sampleCount, microbatchSize: microbatchSize, threads: threads).layout.count
    }

    /// Splits microbatches further if there are too few of them for the threads: outputs first,
    /// since their gradients cost more to read.
    private func cut(
        sampleCount: Int, microbatchSize: Int, threads: Int
    ) -> (microbatches: Int, splits: (channels: Int, outputs: Int), layout: Layout) {
        let microbatches = (sampleCount + microbatchSize - 1) / microbatchSize
        var splits = (channels: 1, outputs: 1)
        while microbatches * splits.channels * splits.outputs < 2 * threads {
            let (high, wide) = (channels / splits.channels, outputs / splits.outputs)
            guard max(high, wide) >= 2 * vectorWidth else { break }
            if splits.outputs <= splits.channels && wide >= 2 * vectorWidth || high < 2 * vectorWidth {
                splits.outputs *= 2
            } else {
                splits.channels *= 2
            }
        }
        let tiles = convolution.tilesPerImage * min(microbatchSize, sampleCount)
        let layout = Layout(
            width: Self.share(of: channels, splits.channels),
            outputs: Self.share(of: outputs, splits.outputs),
            tiles: tiles)
        return (microbatches, splits, layout)
    }

    /// Channels of one of `splits` parts, in whole vectors.
    private static func share(of channels: Int, _ splits: Int) -> Int {
        (channels / vectorWidth + splits - 1) / splits * vectorWidth
    }

    /// Layout of a worker's scratch memory: transformed inputs, transformed gradients, products.
    private struct Layout: Sendable {
        let chunk: Int
        /// Floats from one product's values to the next one's: one cache line more than they need,
        /// since 36 stores would otherwise fall into one set of the cache.
        let inputStride: Int
        let gradientStride: Int
        /// Channels and outputs per item.
        let width: Int
        let outputs: Int
        let inputs: Range<Int>
        let gradients: Range<Int>
        let products: Range<Int>
        /// Channels and outputs of a block of products.
        let block: (channels: Int, outputs: Int)
        var count: Int { products.upperBound }

        init(width: Int, outputs: Int, tiles: Int) {
            self.width = width
            self.outputs = outputs
            chunk = min(WinogradWeightGradient.chunk, tiles)
            inputStride = chunk * width + vectorWidth
            gradientStride = chunk * outputs + vectorWidth
            inputs = 0..<winogradProducts * inputStride
            gradients = inputs.upperBound..<inputs.upperBound + winogradProducts * gradientStride
            if tiles <= WinogradWeightGradient.chunk {
                let columns = min(outputs, 128)
                let rows = WinogradWeightGradient.blockCount / columns / vectorWidth * vectorWidth
                block = (min(width, rows), columns)
            } else {
                block = (width, outputs)
            }
            products =
                gradients.upperBound..<gradients.upperBound + winogradProducts * block.channels
                * block.outputs
        }

        func channelRange(_ split: Int, of channels: Int) -> Range<Int> {
            min(split * width, channels)..<min((split + 1) * width, channels)
        }

        func outputRange(_ split: Int, of channels: Int) -> Range<Int> {
            min(split * outputs, channels)..<min((split + 1) * outputs, channels)
        }
    }

    private func run(
        input: borrowing Prologue, outputGradient: borrowing Prologue, samples: Range<Int>,
        _ channelRange: Range<Int>, _ outputRange: Range<Int>, _ layout: Layout,
        into gradient: inout MutableSpan<Float>,
        scratch: inout MutableSpan<Float>
    ) {
        let tiles =
            samples.lowerBound * convolution.tilesPerImage..<samples.upperBound * convolution.tilesPerImage
        for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: layout.chunk) {
            let part = first..<min(first + layout.chunk, tiles.upperBound)
            var transformed = scratch.part(layout.inputs)
            transformInput(input, tiles: part, channelRange, layout, into: &transformed)
            var gradients = scratch.part(layout.gradients)
            transformGradient(outputGradient, tiles: part, outputRange, layout, into: &gradients)
            for c in stride(
                from: channelRange.lowerBound, to: channelRange.upperBound, by: layout.block.channels)
            {
                let rows = c..<min(c + layout.block.channels, channelRange.upperBound)
                for k in stride(
                    from: outputRange.lowerBound, to: outputRange.upperBound, by: layout.block.outputs)
                {
                    let columns = k..<min(k + layout.block.outputs, outputRange.upperBound)
                    multiply(
                        rows: rows.lowerBound - channelRange.lowerBound..<rows.upperBound
                            - channelRange.lowerBound,
                        columns: columns.lowerBound - outputRange.lowerBound..<columns.upperBound
                            - outputRange.lowerBound,
                        count: part.count, layout, accumulates: first > tiles.lowerBound,
                        scratch: &scratch)
                    if part.upperBound == tiles.upperBound {
                        DenseKernel.storeGradient(
                            scratch.span.extracting(layout.products),
                            block: layout.block.channels * layout.block.outputs, width: layout.block.outputs,
                            rows: rows, columns: columns, channels: channels, outputs: outputs,
                            into: &gradient)
                    }
                }
            }
        }
    }

    private func multiply(
        rows: Range<Int>, columns: Range<Int>, count: Int, _ layout: Layout, accumulates: Bool,
        scratch: inout MutableSpan<Float>
    ) {
        let block = layout.block.channels * layout.block.outputs
        let panel = layout.chunk * vectorWidth
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            let operands = unsafe Span(
                _unsafeElements: UnsafeBufferPointer(rebasing: scratch[0..<layout.products.lowerBound]))
            var products = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(rebasing: scratch[layout.products]))
            for product in 0..<winogradProducts {
                let left = product * layout.inputStride + rows.lowerBound * layout.chunk
                let right =
                    layout.gradients.lowerBound + product * layout.gradientStride
                    + columns.lowerBound * layout.chunk
                var own = products.part(product * block..<(product + 1) * block)
                multiplyOuter(
                    operands.extracting(left..<left + rows.count * layout.chunk),
                    operands.extracting(right..<right + columns.count * layout.chunk),
                    OuterRows(panelsOf: count, panelStride: panel), into: &own,
                    ProductBlock(
                        rows: rows.count, columns: columns.count, stride: layout.block.outputs,
                        accumulates: accumulates))
            }
        }
    }

    // MARK: - Transforms

    /// Overwrites `transformed` with `Bᵀ d B` as panels, shape `[36, width / 16, chunk, 16]`.
    private func transformInput(
        _ prologue: borrowing Prologue, tiles: Range<Int>, _ range: Range<Int>, _ layout: Layout,
        into transformed: inout MutableSpan<Float>
    ) {
        switch prologue.reading {
        case .plain: transformInput(prologue, PlainReader.self, tiles, range, layout, into: &transformed)
        case .normalized:
            transformInput(prologue, NormalizedReader.self, tiles, range, layout, into: &transformed)
        case .combined:
            transformInput(prologue, CombinedReader.self, tiles, range, layout, into: &transformed)
        }
    }

    private func transformInput<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ tiles: Range<Int>, _ range: Range<Int>,
        _ layout: Layout,
        into transformed: inout MutableSpan<Float>
    ) {
        TileVectors.with(count: winogradProducts) { vectors in
            for tile in tiles {
                let place = convolution.source.place(of: tile)
                for channel in stride(from: range.lowerBound, to: range.upperBound, by: vectorWidth) {
                    let start =
                        (channel - range.lowerBound) * layout.chunk + (tile - tiles.lowerBound) * vectorWidth
                    convolution.transformTile(
                        prologue, Reader.self, place, channel: channel, vectors, into: &transformed,
                        at: start,
                        stride: layout.inputStride)
                }
            }
        }
    }

    /// Overwrites `transformed` with `A y Aᵀ` as panels, shape `[36, outputs / 16, chunk, 16]`.
    private func transformGradient(
        _ prologue: borrowing Prologue, tiles: Range<Int>, _ range: Range<Int>, _ layout: Layout,
        into transformed: inout MutableSpan<Float>
    ) {
        switch prologue.reading {
        case .plain: transformGradient(prologue, PlainReader.self, tiles, range, layout, into: &transformed)
        case .normalized:
            transformGradient(prologue, NormalizedReader.self, tiles, range, layout, into: &transformed)
        case .combined:
            transformGradient(prologue, CombinedReader.self, tiles, range, layout, into: &transformed)
        }
    }

    private func transformGradient<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ tiles: Range<Int>, _ range: Range<Int>,
        _ layout: Layout, into transformed: inout MutableSpan<Float>
    ) {
        let target = convolution.target
        let stride = layout.gradientStride
        TileVectors.with(count: winogradProducts) { vectors in
            for tile in tiles {
                let place = target.place(of: tile)
                let group = prologue.groups.group(of: place.sample)
                for channel in Swift.stride(from: range.lowerBound, to: range.upperBound, by: vectorWidth) {
                    let reader = Reader(prologue, group: group, channel: channel, channels: outputs)
                    for j in 0..<winogradTile {
                        let top = (place.pixel + j) * outputs + channel
                        @inline(__always)
                        func value(_ i: Int) -> Vector {
                            place.rows.contains(i)
                                ? reader.vector(prologue, at: top + i * target.width * outputs) : Vector()
                        }
                        guard place.columns.contains(j) else {
                            vectors.setRow(j, WinogradSix.zero)
                            continue
                        }
                        vectors.setRow(
                            j,
                            winogradOutputGradient(
                                WinogradFour(y0: value(0), y1: value(1), y2: value(2), y3: value(3))))
                        for i in 0..<winogradTile {
                            reader.prefetch(prologue, at: top + (i * target.width + place.next) * outputs)
                        }
                    }
                    let start =
                        (channel - range.lowerBound) * layout.chunk + (tile - tiles.lowerBound) * vectorWidth
                    for i in 0..<winogradReach {
                        storeSix(
                            winogradOutputGradient(
                                WinogradFour(
                                    y0: vectors[i], y1: vectors[6 + i], y2: vectors[12 + i],
                                    y3: vectors[18 + i])),
                            &transformed, start + 6 * i * stride, stride)
                    }
                }
            }
        }
    }
}
