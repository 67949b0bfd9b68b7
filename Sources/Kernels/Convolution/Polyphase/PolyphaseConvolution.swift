internal import Memory
internal import Workers

/// A polyphase 3×3 convolution of stride 2, or the gradient of its input: 81 products per tile
/// instead of 144.
///
/// The gradient of the input reads tiles of 5×5 gradients and writes tiles of 8×8: along one axis
/// the outputs that the middle weight reaches alternate with those that the outer weights reach,
/// `w2·d[s] + w0·d[s + 1]`.
struct PolyphaseConvolution: Sendable {
    enum Pass: Sendable { case forward, inputGradient }

    let pass: Pass
    /// Tiles that are read.
    let source: TileGrid
    /// Tiles that are written.
    let target: TileGrid
    /// Channels that are read, and that are written; multiples of 16.
    let channels: Int
    let outputs: Int
    /// Whether, in a gradient of the input, the outer weights reach the first position of an axis.
    let beginsOutside: Bool

    /// A convolution.
    init(_ shape: ConvolutionShape) {
        precondition(Self.supports(shape), "polyphase F(4, 2) cannot compute \(shape)")
        pass = .forward
        let high = TileAxis(foursCovering: shape.outputHeight)
        let wide = TileAxis(foursCovering: shape.outputWidth)
        source = TileGrid(
            height: shape.height, width: shape.width, high: high, wide: wide, scale: 2, reach: 9,
            origin: -shape.padding)
        target = TileGrid(
            height: shape.outputHeight, width: shape.outputWidth, high: high, wide: wide, reach: 4,
            origin: 0)
        channels = shape.channels
        outputs = shape.outputChannels
        beginsOutside = false
    }

    /// The gradient of a convolution's input.
    init(inputGradientOf shape: ConvolutionShape) {
        precondition(Self.supports(shape), "polyphase F(4, 2) cannot compute \(shape)")
        pass = .inputGradient
        let high = TileAxis(foursCovering: (shape.height + 1) / 2)
        let wide = TileAxis(foursCovering: (shape.width + 1) / 2)
        source = TileGrid(
            height: shape.outputHeight, width: shape.outputWidth, high: high, wide: wide, reach: 5,
            origin: (shape.padding + 1) / 2 - 1)
        target = TileGrid(
            height: shape.height, width: shape.width, high: high, wide: wide, scale: 2, reach: 8, origin: 0)
        channels = shape.outputChannels
        outputs = shape.channels
        beginsOutside = shape.padding.isMultiple(of: 2)
    }

    /// Products of an image's tiles for each input and each output channel.
    static func products(_ shape: ConvolutionShape) -> Int {
        polyphaseProducts * TileAxis(foursCovering: shape.outputHeight).count
            * TileAxis(foursCovering: shape.outputWidth).count
    }

    static func supports(_ shape: ConvolutionShape) -> Bool {
        shape.kernel == 3 && shape.stride == 2 && shape.padding <= 2
            && shape.channels.isMultiple(of: vectorWidth) && shape.outputChannels.isMultiple(of: vectorWidth)
    }

    /// Elements of the transformed weights, `[36, outputs / 16, channels, 16]`.
    var panelCount: Int { winogradProducts * channels * outputs }

    /// Tiles that are transformed, multiplied and transformed back while they are in the cache.
    var strip: Int { channels <= 128 ? tileRows : 2 * tileRows }
    /// Output channels per pass over a strip.
    var block: Int { min(outputs, 64) }
    // Elements from one slot to the next: one cache line more than a slot needs, since the 81 slots
    // of a tile would otherwise share a few sets of the cache (64 channels: 3 to 5 % of the forward
    // pass).
    var transformedStride: Int { rowTileCount(rows: strip, inner: channels) + vectorWidth }
    var productStride: Int { strip * block + vectorWidth }
    /// Floats of scratch memory per worker that `convolve` needs.
    var scratchCount: Int { transformedCount + productCount }
    private var transformedCount: Int { polyphaseProducts * transformedStride }
    private var productCount: Int { polyphaseProducts * productStride }

    /// Overwrites `output` with the convolution of `prologue`, or with the gradient of the input.
    ///
    /// - Parameters:
    ///   - prologue: Shape `[N, H, W, C]`, in a gradient `[N, P, Q, K]`.
    ///   - panels: Transformed weights.
    ///   - output: Shape `[N, P, Q, K]`, in a gradient `[N, H, W, C]`.
    ///   - sums: Shape `[N, 2, outputs]`, overwritten; empty if the epilogue computes no sums.
    func convolve(
        _ prologue: borrowing Prologue, panels: Span<Float>, sampleCount: Int, epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        let blocks = (outputs + block - 1) / block
        let items = ImageItems(
            sampleCount: sampleCount, tilesPerImage: source.tilesPerImage, blocks: blocks,
            threads: pool.threads)
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

    private func run(
        _ prologue: borrowing Prologue, panels: Span<Float>, samples: Range<Int>, outputRange: Range<Int>,
        epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>,
        scratch: inout MutableSpan<Float>
    ) {
        epilogue.clear(&sums, samples: samples, range: outputRange, channels: outputs)
        let tiles = samples.lowerBound * source.tilesPerImage..<samples.upperBound * source.tilesPerImage
        for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: strip) {
            let part = first..<min(first + strip, tiles.upperBound)
            var transformed = scratch.part(0..<transformedCount)
            transform(prologue, tiles: part, into: &transformed)
            for column in stride(from: outputRange.lowerBound, to: outputRange.upperBound, by: block) {
                let columns = column..<min(column + block, outputRange.upperBound)
                multiply(panels, count: part.count, columns: columns, scratch: &scratch)
                let products = scratch.span.extracting(transformedCount..<transformedCount + productCount)
                finish(products, items: part, columns: columns, epilogue, into: &output, sums: &sums)
            }
        }
    }

    private func multiply(
        _ panels: Span<Float>, count: Int, columns: Range<Int>, scratch: inout MutableSpan<Float>
    ) {
        let (transformedStride, productStride) = (transformedStride, productStride)
        let panelStride = channels * vectorWidth
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            let left = unsafe Span(
                _unsafeElements: UnsafeBufferPointer(rebasing: scratch[0..<transformedCount]))
            var products = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(
                    rebasing: scratch[transformedCount..<transformedCount + productCount]))
            for weight in 0..<winogradProducts {
                let panel = weight * channels * outputs + columns.lowerBound * channels
                for slot in polyphaseSlots(ofWeight: weight) {
                    var own = products.part(slot * productStride..<(slot + 1) * productStride)
                    multiplyTiles(
                        left.extracting(slot * transformedStride..<(slot + 1) * transformedStride),
                        panels.extracting(panel..<panel + columns.count / vectorWidth * panelStride),
                        panelStride: panelStride, inner: channels, into: &own,
                        ProductBlock(
                            rows: count, columns: columns.count, stride: block, accumulates: false))
                }
            }
        }
    }
}
