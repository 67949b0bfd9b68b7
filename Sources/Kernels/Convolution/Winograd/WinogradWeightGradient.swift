internal import Memory
internal import Workers

/// The weight gradient of a 3×3 convolution by F(4×4, 3×3): `Gᵀ [Σ (Bᵀ d B) ⊙ (A y Aᵀ)] G`, summed
/// over tiles.
///
/// Integers have a scale for each of the 36 values, each channel and each chunk of tiles.
struct WinogradWeightGradient: Sendable {
    private let convolution: WinogradConvolution
    private var channels: Int { convolution.channels }
    private var outputs: Int { convolution.outputs }
    private var usesIntegers: Bool { convolution.usesIntegers }

    /// Tiles that are summed in one chain. Sums of this many tiles are added in order, which is
    /// part of the mathematics.
    static let chunk = 128
    /// Elements of a block of `[C, K]` whose 36 products stay in the cache.
    static let blockCount = 4096

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
            tiles: tiles, usesIntegers: usesIntegers)
        return (microbatches, splits, layout)
    }

    /// Channels of one of `splits` parts, in whole vectors.
    private static func share(of channels: Int, _ splits: Int) -> Int {
        (channels / vectorWidth + splits - 1) / splits * vectorWidth
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
            let counts = convolution.rows(of: part)
            transformInput(input, tiles: part, channelRange, layout, into: &scratch)
            transformGradient(outputGradient, tiles: part, outputRange, layout, into: &scratch)
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
                        counts, layout, accumulates: first > tiles.lowerBound,
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
        rows: Range<Int>, columns: Range<Int>, _ counts: WinogradRows, _ layout: Layout, accumulates: Bool,
        scratch: inout MutableSpan<Float>
    ) {
        let block = layout.block.channels * layout.block.outputs
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            let operands = unsafe Span(
                _unsafeElements: UnsafeBufferPointer(rebasing: scratch[0..<layout.products.lowerBound]))
            var products = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(rebasing: scratch[layout.products]))
            let area = ProductBlock(
                rows: rows.count, columns: columns.count, stride: layout.block.outputs,
                accumulates: accumulates)
            for product in 0..<winogradProducts {
                let left = panels(layout.inputs, product, rows, layout, operands)
                let right = panels(layout.gradients, product, columns, layout, operands)
                var own = products.part(product * block..<(product + 1) * block)
                let count = counts.count(product)
                guard count > 0 else {
                    if !accumulates { own.update(repeating: 0) }
                    continue
                }
                guard usesIntegers else {
                    multiplyOuter(
                        left, right, OuterRows(panelsOf: count, panelStride: layout.panel), into: &own, area)
                    continue
                }
                multiplyOuterIntegers(
                    PackedIntegers(left, scales: scales(layout.inputs, product, rows, operands)),
                    PackedIntegers(right, scales: scales(layout.gradients, product, columns, operands)),
                    rows: count, panelStride: layout.panel, into: &own, area)
            }
        }
    }

    /// The panels of some channels of a product.
    @_lifetime(copy operands)
    private func panels(
        _ side: Layout.Side, _ product: Int, _ channels: Range<Int>, _ layout: Layout, _ operands: Span<Float>
    ) -> Span<Float> {
        let start =
            side.values.lowerBound + product * side.stride + channels.lowerBound / vectorWidth * layout.panel
        return operands.extracting(start..<start + channels.count / vectorWidth * layout.panel)
    }

    @_lifetime(copy operands)
    private func scales(
        _ side: Layout.Side, _ product: Int, _ channels: Range<Int>, _ operands: Span<Float>
    ) -> Span<Float> {
        let start = side.scales.lowerBound + product * side.width
        return operands.extracting(start + channels.lowerBound..<start + channels.upperBound)
    }

    // MARK: - Transforms

    /// Overwrites the inputs in `scratch` with `Bᵀ d B` as panels.
    private func transformInput(
        _ prologue: borrowing Prologue, tiles: Range<Int>, _ range: Range<Int>, _ layout: Layout,
        into scratch: inout MutableSpan<Float>
    ) {
        switch prologue.reading {
        case .plain: transformInput(prologue, PlainReader.self, tiles, range, layout, into: &scratch)
        case .normalized:
            transformInput(prologue, NormalizedReader.self, tiles, range, layout, into: &scratch)
        case .combined:
            transformInput(prologue, CombinedReader.self, tiles, range, layout, into: &scratch)
        }
    }

    private func transformInput<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ tiles: Range<Int>, _ range: Range<Int>,
        _ layout: Layout, into scratch: inout MutableSpan<Float>
    ) {
        TileVectors.with(count: winogradProducts) { vectors in
            eachPanel(layout.inputs, convolution.source, tiles, range, layout, &scratch) {
                place, channel, starts, offset, stride, scratch in
                convolution.transformTile(
                    prologue, Reader.self, place, channel: channel, vectors,
                    into: &scratch, at: starts, plus: offset, stride: stride)
            }
        }
    }

    /// Calls `transform` for each tile and each sixteen channels with the starts of the 36 values, and
    /// the floats from one of them to the next; packs integers.
    @inline(__always)
    private func eachPanel(
        _ side: Layout.Side, _ grid: TileGrid, _ tiles: Range<Int>, _ range: Range<Int>, _ layout: Layout,
        _ scratch: inout MutableSpan<Float>,
        _ transform: (
            _ place: TileGrid.Place, _ channel: Int, WinogradStarts, _ offset: Int, _ stride: Int,
            inout MutableSpan<Float>
        ) -> Void
    ) {
        // Integers sixteen channels at a time, which stay in the cache until they are packed.
        let width = usesIntegers ? vectorWidth : range.count
        for first in stride(from: range.lowerBound, to: range.upperBound, by: width) {
            var rows = WinogradRows()
            for tile in tiles {
                let place = grid.place(of: tile)
                let starts = WinogradStarts(
                    rows: usesIntegers ? layout.values.lowerBound : side.values.lowerBound, rows,
                    width: vectorWidth)
                for channel in stride(from: first, to: first + width, by: vectorWidth) {
                    transform(
                        place, channel, starts, (channel - first) / vectorWidth * layout.panel,
                        usesIntegers ? layout.valueStride : side.stride, &scratch)
                }
                rows.append(place)
            }
            guard usesIntegers else { continue }
            let own = first - range.lowerBound
            for product in 0..<winogradProducts {
                packIntegerColumns(
                    &scratch, at: layout.values.lowerBound + product * layout.valueStride,
                    to: side.values.lowerBound + product * side.stride + own / vectorWidth * layout.panel,
                    inner: rows.count(product), bits: IntegerBits.outerProduct,
                    scalesAt: side.scales.lowerBound + product * side.width + own)
            }
        }
    }

    /// Overwrites the gradients in `scratch` with `A y Aᵀ` as panels.
    private func transformGradient(
        _ prologue: borrowing Prologue, tiles: Range<Int>, _ range: Range<Int>, _ layout: Layout,
        into scratch: inout MutableSpan<Float>
    ) {
        switch prologue.reading {
        case .plain: transformGradient(prologue, PlainReader.self, tiles, range, layout, into: &scratch)
        case .normalized:
            transformGradient(prologue, NormalizedReader.self, tiles, range, layout, into: &scratch)
        case .combined:
            transformGradient(prologue, CombinedReader.self, tiles, range, layout, into: &scratch)
        }
    }

    private func transformGradient<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ tiles: Range<Int>, _ range: Range<Int>,
        _ layout: Layout, into scratch: inout MutableSpan<Float>
    ) {
        let target = convolution.target
        TileVectors.with(count: winogradProducts) { vectors in
            eachPanel(layout.gradients, target, tiles, range, layout, &scratch) {
                place, channel, starts, offset, stride, scratch in
                let reader = Reader(
                    prologue, group: prologue.groups.group(of: place.sample), channel: channel,
                    channels: outputs)
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
                            WinogradFour(y0: value(0), y1: value(1), y2: value(2), y3: value(3)),
                            shortening: place.shortRows))
                    for i in 0..<winogradTile {
                        reader.prefetch(prologue, at: top + (i * target.width + place.next) * outputs)
                    }
                }
                for i in 0..<winogradReach {
                    storeSix(
                        winogradOutputGradient(
                            WinogradFour(
                                y0: vectors[i], y1: vectors[6 + i], y2: vectors[12 + i], y3: vectors[18 + i]),
                            shortening: place.shortColumns), &scratch, starts.row(i), offset + 6 * i * stride,
                        stride)
                }
            }
        }
    }
}
