internal import Memory
internal import Workers

/// A 3×3 convolution of stride 1 by F(4×4, 3×3): 36 products per tile instead of 144. At the lower and
/// the right border tiles may be shorter (`TileAxis`).
///
/// Also computes the gradient of its input, which is such a convolution with the weights rotated by
/// 180° and transposed.
struct WinogradConvolution: Sendable {
    let shape: ConvolutionShape
    /// Whether products are those of 14-bit integers.
    let usesIntegers: Bool
    /// Tiles of 6×6 that are read.
    let source: TileGrid
    /// Tiles of 4×4 that are written.
    let target: TileGrid
    /// Channels, a multiple of 16.
    let channels: Int
    let outputs: Int

    init(_ shape: ConvolutionShape, usesIntegers: Bool = false) {
        precondition(Self.supports(shape), "F(4×4, 3×3) cannot compute \(shape)")
        self.shape = shape
        self.usesIntegers = usesIntegers
        let (high, wide) = Self.tiles(shape)
        source = TileGrid(
            height: shape.height, width: shape.width, high: high, wide: wide, reach: winogradReach,
            origin: -shape.padding)
        target = TileGrid(
            height: shape.outputHeight, width: shape.outputWidth, high: high, wide: wide, reach: winogradTile,
            origin: 0)
        channels = shape.channels
        outputs = shape.outputChannels
    }

    static func supports(_ shape: ConvolutionShape) -> Bool {
        shape.kernel == 3 && shape.stride == 1 && shape.padding <= 2
            && shape.channels.isMultiple(of: vectorWidth) && shape.outputChannels.isMultiple(of: vectorWidth)
    }

    /// The tiles along each axis.
    private static func tiles(_ shape: ConvolutionShape) -> (high: TileAxis, wide: TileAxis) {
        (
            TileAxis(fewestProductsFor: shape.outputHeight), TileAxis(fewestProductsFor: shape.outputWidth)
        )
    }

    /// Products of an image's tiles for each input and each output channel.
    static func products(_ shape: ConvolutionShape) -> Int {
        let (high, wide) = tiles(shape)
        return high.products * wide.products
    }

    /// The convolution that computes the input's gradient.
    var transposed: WinogradConvolution {
        WinogradConvolution(
            ConvolutionShape(
                height: shape.outputHeight, width: shape.outputWidth, channels: outputs,
                outputChannels: channels, kernel: 3, padding: 2 - shape.padding), usesIntegers: usesIntegers)
    }

    var tilesPerImage: Int { source.tilesPerImage }
    /// Elements of the transformed weights, `[36, K / 16, C, 16]`; for integers half as many, and those
    /// of their scales, `[36, K]`.
    var panelCount: Int {
        panelCount(outputs: outputs) + (usesIntegers ? winogradProducts * outputs : 0)
    }
    /// The same for a part of the outputs, without scales.
    func panelCount(outputs: Int) -> Int { winogradProducts * panelSize * outputs / vectorWidth }
    /// Elements of a panel of sixteen outputs.
    var panelSize: Int { (usesIntegers ? pairCount(channels) : channels) * vectorWidth }

    /// Tiles that are transformed, multiplied and transformed back while they are in the cache.
    var strip: Int {
        switch channels {
        case ...64: 2 * tileRows
        case ...128: 4 * tileRows
        default: 8 * tileRows
        }
    }
    /// Output channels per pass over a strip.
    var block: Int { min(outputs, 64) }
    /// Floats of scratch memory per worker that strips need.
    var scratchCount: Int { tilePlace + (usesIntegers ? winogradProducts * tileStride : 0) }
    /// Floats from one product's transformed tiles to the next one's: one cache line more than they
    /// need, since their size is often a power of two, and 36 stores would then fall into one set
    /// of the cache.
    var transformedStride: Int { rowTileCount(rows: strip, inner: channels) + vectorWidth }
    /// Floats from one product's results to the next one's.
    var productStride: Int { strip * block + vectorWidth }
    private var transformedCount: Int { winogradProducts * transformedStride }
    /// Where a strip's products are.
    var products: Range<Int> { transformedCount..<transformedCount + winogradProducts * productStride }
    /// Where the scales of a strip's tiles are, shape `[36, strip]`.
    var scalePlace: Int { products.upperBound }
    /// Where the 36 transformed values of a tile wait until all their channels are known.
    var tilePlace: Int { scalePlace + (usesIntegers ? winogradProducts * strip : 0) }
    /// Floats from one of them to the next.
    var tileStride: Int { channels + vectorWidth }

    /// Overwrites `output` with the convolution of `prologue`.
    ///
    /// - Parameters:
    ///   - weights: Shape `[3, 3, C, K]`, those of the forward convolution.
    ///   - isTurned: Whether this convolution computes the gradient of that one's input.
    ///   - panels: Room for the transformed weights; overwritten.
    ///   - output: Shape `[N, P, Q, K]`.
    ///   - sums: Shape `[N, 2, K]`, overwritten; empty if the epilogue computes no sums.
    func convolve(
        _ prologue: borrowing Prologue, weights: Span<Float>, isTurned: Bool,
        panels: inout MutableSpan<Float>, sampleCount: Int, epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        let items = items(sampleCount: sampleCount, threads: pool.threads)
        if transformsWeightsByItem(items) {
            convolveFewImages(
                prologue, weights: weights, isTurned: isTurned, items, epilogue: epilogue, into: &output,
                sums: &sums, on: pool)
            return
        }
        transform(weights, isTurned: isTurned, into: &panels, on: pool)
        let panels = panels.span
        let blocks = blocks
        let prologue = copy prologue
        let epilogue = copy epilogue
        unsafe pool.share(&output, &sums, items: items.count, scratch: scratchCount) {
            item, output, sums, scratch in
            let (samples, own) = items.item(item, ofBlocks: blocks)
            let range = own.lowerBound * block..<min(own.upperBound * block, outputs)
            run(
                prologue, panels: panels, samples: samples, outputRange: range, epilogue: epilogue,
                into: &output, sums: &sums, scratch: &scratch)
        }
    }

    /// Floats of scratch memory per worker that a pass needs.
    func scratchCount(sampleCount: Int, threads: Int) -> Int {
        transformsWeightsByItem(items(sampleCount: sampleCount, threads: threads))
            ? fewImagesScratchCount : scratchCount
    }

    /// The work items of a pass.
    func items(sampleCount: Int, threads: Int) -> ImageItems {
        ImageItems(
            sampleCount: sampleCount, tilesPerImage: tilesPerImage, blocks: blocks, threads: threads)
    }

    /// Parts into which output channels may be split.
    var blocks: Int { (outputs + block - 1) / block }

    private func run(
        _ prologue: borrowing Prologue, panels: Span<Float>, samples: Range<Int>, outputRange: Range<Int>,
        epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>,
        scratch: inout MutableSpan<Float>
    ) {
        epilogue.clear(&sums, samples: samples, range: outputRange, channels: outputs)
        let tiles = samples.lowerBound * tilesPerImage..<samples.upperBound * tilesPerImage
        for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: strip) {
            let part = first..<min(first + strip, tiles.upperBound)
            transform(prologue, tiles: part, into: &scratch)
            for column in stride(from: outputRange.lowerBound, to: outputRange.upperBound, by: block) {
                let columns = column..<min(column + block, outputRange.upperBound)
                unsafe scratch.withUnsafeMutableBufferPointer {
                    unsafe multiply(panels, of: 0..<outputs, tiles: part, columns: columns, scratch: $0)
                }
                finish(
                    scratch.span.extracting(products), items: part, columns: columns, epilogue, into: &output,
                    sums: &sums)
            }
        }
    }

    /// The rows of all of `tiles`.
    func rows(of tiles: Range<Int>) -> WinogradRows {
        var rows = WinogradRows()
        for tile in tiles { rows.append(source.place(of: tile)) }
        return rows
    }

    /// Overwrites the products of a strip's tiles.
    ///
    /// - Parameters:
    ///   - panels: The transformed weights of the output channels `own`.
    ///   - columns: A part of `own`.
    ///   - scratch: A worker's scratch memory, whose products `panels` does not overlap.
    @unsafe func multiply(
        _ panels: Span<Float>, of own: Range<Int>, tiles: Range<Int>, columns: Range<Int>,
        scratch: UnsafeMutableBufferPointer<Float>
    ) {
        let rows = rows(of: tiles)
        let size = rowTileCount(rows: strip, inner: channels)
        let first = columns.lowerBound - own.lowerBound
        let scalesStart = panelCount(outputs: own.count)
        let left = unsafe Span(_unsafeElements: UnsafeBufferPointer(rebasing: scratch[0..<transformedCount]))
        let scales = unsafe Span(
            _unsafeElements: UnsafeBufferPointer(rebasing: scratch[scalePlace..<tilePlace]))
        var results = unsafe MutableSpan(
            _unsafeElements: UnsafeMutableBufferPointer(rebasing: scratch[products]))
        for product in 0..<winogradProducts {
            var target = results.part(product * productStride..<product * productStride + strip * block)
            let panel = (product * own.count + first) / vectorWidth * panelSize
            let values = left.extracting(product * transformedStride..<product * transformedStride + size)
            let weights = panels.extracting(panel..<panel + columns.count / vectorWidth * panelSize)
            let area = ProductBlock(
                rows: rows.count(product), columns: columns.count, stride: block, accumulates: false)
            guard usesIntegers else {
                multiplyTiles(
                    values, weights, panelStride: panelSize, inner: channels, into: &target, area)
                continue
            }
            let scale = scalesStart + product * own.count + first
            multiplyIntegerTiles(
                PackedIntegers(values, scales: scales.extracting(product * strip..<(product + 1) * strip)),
                PackedIntegers(weights, scales: panels.extracting(scale..<scale + columns.count)),
                panelStride: panelSize, inner: channels, into: &target, area)
        }
    }

    // MARK: - Weights

    /// Overwrites `panels` with the transformed weights.
    ///
    /// - Parameters:
    ///   - weights: Shape `[3, 3, C, K]`, those of the forward convolution.
    ///   - isTurned: Whether this convolution computes the gradient of that one's input.
    func transform(
        _ weights: Span<Float>, isTurned: Bool, into panels: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        let (channels, outputs) = (channels, outputs)
        guard usesIntegers else {
            if isTurned {
                DenseKernel.transformTurned(
                    weights, channels: channels, outputs: outputs, into: &panels, on: pool)
            } else {
                DenseKernel.transform(
                    weights, channels: channels, outputs: outputs, into: &panels, on: pool)
            }
            return
        }
        var none = MutableSpan<Double>()
        unsafe pool.share(
            &panels, &none, items: outputs / vectorWidth, scratch: integerScratchCount
        ) { block, panels, _, scratch in
            packBlock(
                block, weights, isTurned: isTurned, of: 0..<outputs, into: &panels, scratch: &scratch)
        }
    }

    /// Floats of scratch memory that `packBlock` needs.
    var integerScratchCount: Int { winogradProducts * (channels + 1) * vectorWidth + vectorWidth }

    /// Stores the transformed weights of sixteen outputs as integers, with their scales.
    ///
    /// - Parameters:
    ///   - block: The sixteen outputs, counted over all.
    ///   - own: The outputs of `panels`.
    func packBlock(
        _ block: Int, _ weights: Span<Float>, isTurned: Bool, of own: Range<Int>,
        into panels: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
    ) {
        let stride = (channels + 1) * vectorWidth
        let transform = isTurned ? DenseKernel.transformTurnedBlock : DenseKernel.transformBlock
        transform(weights, block, channels, outputs, &scratch, 0, stride, false)
        let (scales, scalesStart) = (winogradProducts * stride, panelCount(outputs: own.count))
        for product in 0..<winogradProducts {
            let panel = (product * own.count - own.lowerBound) / vectorWidth + block
            packIntegerColumns(
                &scratch, at: product * stride, inner: channels, bits: IntegerBits.product, scalesAt: scales)
            copy(
                scratch.span, from: product * stride, count: panelSize, into: &panels, at: panel * panelSize)
            copy(
                scratch.span, from: scales, count: vectorWidth, into: &panels,
                at: scalesStart + panel * vectorWidth)
        }
    }
}
