internal import Memory
internal import Workers

/// The weight gradient of a polyphase 3×3 convolution of stride 2:
/// `Gᵀ [Σ (transformed inputs) ⊙ (transformed gradients)] G`, summed over tiles and over the
/// products that share a weight.
struct PolyphaseWeightGradient: Sendable {
    private let convolution: PolyphaseConvolution
    private var channels: Int { convolution.channels }
    private var outputs: Int { convolution.outputs }

    /// Tiles that are summed in one chain. Sums of this many tiles are added in order, which is
    /// part of the mathematics.
    private static let chunk = 64
    /// Elements of a block of `[C, K]` whose 36 products stay in the cache.
    private static let blockCount = 4096

    init(_ convolution: PolyphaseConvolution) { self.convolution = convolution }

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
        let width = layout.width
        let input = copy input
        let outputGradient = copy outputGradient
        let weightCount = 9 * channels * outputs
        var none = MutableSpan<Double>()
        unsafe pool.share(
            &microbatchGradients, &none, items: microbatches * splits, scratch: layout.count
        ) { item, gradients, _, scratch in
            let (microbatch, split) = item.quotientAndRemainder(dividingBy: splits)
            let range = split * width..<min((split + 1) * width, channels)
            guard !range.isEmpty else { return }
            let samples = microbatch * microbatchSize..<min((microbatch + 1) * microbatchSize, sampleCount)
            var own = gradients.part(microbatch * weightCount..<(microbatch + 1) * weightCount)
            run(
                input: input, outputGradient: outputGradient, samples: samples, channelRange: range, layout,
                into: &own, scratch: &scratch)
        }
    }

    /// Floats of scratch memory per worker that `accumulate` needs.
    func scratchCount(sampleCount: Int, microbatchSize: Int, threads: Int) -> Int {
        cut(sampleCount: sampleCount, microbatchSize: microbatchSize, threads: threads).layout.count
    }

    /// Splits the work into items for all threads, most of them of equal duration. Each split
    /// transforms the output gradients again.
    private func cut(
        sampleCount: Int, microbatchSize: Int, threads: Int
    ) -> (microbatches: Int, splits: Int, layout: Layout) {
        let microbatches = (sampleCount + microbatchSize - 1) / microbatchSize
        let items = microbatches > threads && !microbatches.isMultiple(of: threads) ? 2 * threads : threads
        let splits = max(min(channels / vectorWidth, (items + microbatches - 1) / max(microbatches, 1)), 1)
        let width = (channels / vectorWidth + splits - 1) / splits * vectorWidth
        let tiles = convolution.source.tilesPerImage * min(microbatchSize, sampleCount)
        return (microbatches, splits, Layout(convolution, width: width, tiles: tiles))
    }

    /// Layout of a worker's scratch memory: transformed inputs, transformed gradients, products.
    private struct Layout: Sendable {
        let chunk: Int
        let width: Int
        let inputs: Range<Int>
        let gradients: Range<Int>
        let products: Range<Int>
        /// Channels and outputs of a block of products.
        let block: (channels: Int, outputs: Int)
        var count: Int { products.upperBound }

        init(_ convolution: PolyphaseConvolution, width: Int, tiles: Int) {
            self.width = width
            chunk = min(PolyphaseWeightGradient.chunk, tiles)
            inputs = 0..<polyphaseProducts * chunk * width
            gradients =
                inputs.upperBound..<inputs.upperBound + polyphaseProducts * chunk * convolution.outputs
            if tiles <= chunk {
                let outputs = min(convolution.outputs, 128)
                let rows = PolyphaseWeightGradient.blockCount / outputs / vectorWidth * vectorWidth
                block = (min(width, rows), outputs)
            } else {
                block = (width, convolution.outputs)
            }
            products =
                gradients.upperBound..<gradients.upperBound + winogradProducts * block.channels
                * block.outputs
        }

        /// Layout of the values of sixteen channels of a tile in panels of `channels` channels:
        /// shape `[36, channels / 16, members, 16]`. The members are the products that share a
        /// weight times the tiles of the chunk.
        @inline(__always)
        func places(channel: Int, of channels: Int, tile: Int, count: Int) -> PolyphasePlaces {
            PolyphasePlaces(
                start: tile * vectorWidth, stride: chunk * channels, memberStride: count * vectorWidth,
                panel: channel * chunk)
        }
    }

    private func run(
        input: borrowing Prologue, outputGradient: borrowing Prologue, samples: Range<Int>,
        channelRange: Range<Int>, _ layout: Layout, into gradient: inout MutableSpan<Float>,
        scratch: inout MutableSpan<Float>
    ) {
        let perImage = convolution.source.tilesPerImage
        let tiles = samples.lowerBound * perImage..<samples.upperBound * perImage
        for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: layout.chunk) {
            let part = first..<min(first + layout.chunk, tiles.upperBound)
            var transformed = scratch.part(layout.inputs)
            transformInput(input, tiles: part, channelRange, layout, into: &transformed)
            var gradients = scratch.part(layout.gradients)
            transformGradient(outputGradient, tiles: part, layout, into: &gradients)
            for c in stride(
                from: channelRange.lowerBound, to: channelRange.upperBound, by: layout.block.channels)
            {
                let rows = c..<min(c + layout.block.channels, channelRange.upperBound)
                for k in stride(from: 0, to: outputs, by: layout.block.outputs) {
                    let columns = k..<min(k + layout.block.outputs, outputs)
                    multiply(
                        rows: rows.lowerBound - channelRange.lowerBound..<rows.upperBound
                            - channelRange.lowerBound,
                        columns: columns, count: part.count, layout, accumulates: first > tiles.lowerBound,
                        scratch: &scratch)
                    if part.upperBound == tiles.upperBound {
                        StridedKernel.storeGradient(
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
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            let operands = unsafe Span(
                _unsafeElements: UnsafeBufferPointer(rebasing: scratch[0..<layout.products.lowerBound]))
            var products = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(rebasing: scratch[layout.products]))
            for weight in 0..<winogradProducts {
                let slots = polyphaseSlots(ofWeight: weight)
                let members = slots.count * layout.chunk
                let left = slots.lowerBound * layout.chunk * layout.width + rows.lowerBound * members
                let right =
                    layout.gradients.lowerBound + slots.lowerBound * layout.chunk * outputs
                    + columns.lowerBound * members
                var own = products.part(weight * block..<(weight + 1) * block)
                multiplyOuter(
                    operands.extracting(left..<left + rows.count * members),
                    operands.extracting(right..<right + columns.count * members),
                    OuterRows(panelsOf: slots.count * count, panelStride: members * vectorWidth),
                    into: &own,
                    ProductBlock(
                        rows: rows.count, columns: columns.count, stride: layout.block.outputs,
                        accumulates: accumulates))
            }
        }
    }

    // MARK: - Transforms

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
        _ layout: Layout, into transformed: inout MutableSpan<Float>
    ) {
        TileVectors.with(count: polyphaseProducts) { vectors in
            for tile in tiles {
                let place = convolution.source.place(of: tile)
                for channel in stride(from: range.lowerBound, to: range.upperBound, by: vectorWidth) {
                    convolution.transformInput(
                        prologue, Reader.self, place, channel: channel, vectors, into: &transformed,
                        layout.places(
                            channel: channel - range.lowerBound, of: layout.width,
                            tile: tile - tiles.lowerBound, count: tiles.count))
                }
            }
        }
    }

    private func transformGradient(
        _ prologue: borrowing Prologue, tiles: Range<Int>, _ layout: Layout,
        into transformed: inout MutableSpan<Float>
    ) {
        switch prologue.reading {
        case .plain: transformGradient(prologue, PlainReader.self, tiles, layout, into: &transformed)
        case .normalized:
            transformGradient(prologue, NormalizedReader.self, tiles, layout, into: &transformed)
        case .combined: transformGradient(prologue, CombinedReader.self, tiles, layout, into: &transformed)
        }
    }

    /// Overwrites `transformed` with each tile's gradients `y` as `A y` followed by `y`, along both
    /// axes.
    private func transformGradient<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ tiles: Range<Int>, _ layout: Layout,
        into transformed: inout MutableSpan<Float>
    ) {
        let target = convolution.target
        TileVectors.with(count: polyphaseProducts) { vectors in
            for tile in tiles {
                let place = target.place(of: tile)
                let group = prologue.groups.group(of: place.sample)
                for channel in stride(from: 0, to: outputs, by: vectorWidth) {
                    let reader = Reader(prologue, group: group, channel: channel, channels: outputs)
                    for j in 0..<4 {
                        let top = (place.pixel + j) * outputs + channel
                        @inline(__always)
                        func value(_ i: Int) -> Vector {
                            place.rows.contains(i)
                                ? reader.vector(prologue, at: top + i * target.width * outputs) : Vector()
                        }
                        guard place.columns.contains(j) else {
                            vectors.setRow(j, PolyphaseNine.zero)
                            continue
                        }
                        vectors.setRow(
                            j, nine(WinogradFour(y0: value(0), y1: value(1), y2: value(2), y3: value(3))))
                        for i in 0..<4 {
                            reader.prefetch(prologue, at: top + (i * target.width + place.next) * outputs)
                        }
                    }
                    let places = layout.places(
                        channel: channel, of: outputs, tile: tile - tiles.lowerBound, count: tiles.count)
                    for i in 0..<9 {
                        let row = WinogradFour(
                            y0: vectors[i], y1: vectors[9 + i], y2: vectors[18 + i], y3: vectors[27 + i])
                        places.storeRow(i, nine(row), into: &transformed)
                    }
                }
            }
        }
    }

    @inline(__always)
    private func nine(_ y: WinogradFour) -> PolyphaseNine {
        PolyphaseNine(outer: polyphaseOutputGradient(y), middle: y)
    }
}
