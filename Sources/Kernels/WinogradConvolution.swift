internal import Workers

/// A 3×3 convolution of stride 1 by F(4×4, 3×3): 36 products where the plain way has 144.
///
/// Also the gradient of its input, which is such a convolution with the weights turned by 180° and transposed.
struct WinogradConvolution: Sendable {
    let shape: ConvolutionShape
    let tilesHigh: Int
    let tilesWide: Int
    /// Channels, a multiple of 16.
    let channels: Int
    let outputs: Int

    init(_ shape: ConvolutionShape) {
        precondition(Self.supports(shape), "no F(4×4, 3×3) for \(shape)")
        self.shape = shape
        tilesHigh = (shape.outputHeight + winogradTile - 1) / winogradTile
        tilesWide = (shape.outputWidth + winogradTile - 1) / winogradTile
        channels = shape.channels
        outputs = shape.outputChannels
    }

    static func supports(_ shape: ConvolutionShape) -> Bool {
        shape.kernel == 3 && shape.stride == 1 && shape.padding <= 2
            && shape.channels.isMultiple(of: vectorWidth) && shape.outputChannels.isMultiple(of: vectorWidth)
    }

    /// The convolution that gives the input's gradient.
    var transposed: WinogradConvolution {
        WinogradConvolution(
            ConvolutionShape(
                height: shape.outputHeight, width: shape.outputWidth, channels: outputs,
                outputChannels: channels, kernel: 3, padding: 2 - shape.padding))
    }

    var tilesPerImage: Int { tilesHigh * tilesWide }
    /// Elements of the transformed weights, `[36, K / 16, C, 16]`.
    var panelCount: Int { winogradProducts * channels * outputs }

    /// Tiles that are transformed, multiplied and transformed back while they are in the cache.
    var strip: Int {
        switch channels {
        case ...64: 2 * tileRows
        case ...128: 4 * tileRows
        default: 8 * tileRows
        }
    }
    /// Output channels of a pass over a strip.
    var block: Int { min(outputs, 64) }
    /// Floats of a worker's memory that `convolve` needs.
    var scratchCount: Int { transformedCount + productCount }
    /// Floats from one product's transformed tiles to the next one's: a cache line more than they take, since tiles are often a
    /// power of two, and 36 stores would fall on one set of the cache.
    var transformedStride: Int { rowTileCount(rows: strip, inner: channels) + vectorWidth }
    /// Floats from one product's results to the next one's.
    var productStride: Int { strip * block + vectorWidth }
    private var transformedCount: Int { winogradProducts * transformedStride }
    private var productCount: Int { winogradProducts * productStride }

    /// Images of an item: enough tiles to fill strips and to make use of each transformed weight, and items that the threads
    /// can share evenly.
    private func imagesPerItem(sampleCount: Int, threads: Int) -> Int {
        let enough = max(8 * tileRows / tilesPerImage, 1)
        let items = (sampleCount + enough - 1) / enough
        let shared = (items + threads - 1) / threads * threads
        return max((sampleCount + shared - 1) / max(shared, 1), 1)
    }

    /// Overwrites `output` with the convolution of `operand`.
    ///
    /// - Parameters:
    ///   - panels: Transformed weights.
    ///   - output: Shape `[N, P, Q, K]`.
    ///   - sums: Shape `[N, 2, K]`, overwritten, or empty where the epilogue makes none.
    func convolve(
        _ operand: borrowing Operand, panels: Span<Float>, sampleCount: Int, epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        let images = imagesPerItem(sampleCount: sampleCount, threads: pool.threads)
        let imageItems = (sampleCount + images - 1) / images
        // Items enough for all threads; each split transforms its images again.
        let splits = max(min(outputs / block, (2 * pool.threads + imageItems - 1) / max(imageItems, 1)), 1)
        let operand = copy operand
        let epilogue = copy epilogue
        pool.share(
            &output, &sums, items: imageItems * splits, scratch: scratchCount
        ) { item, output, sums, scratch in
            let (group, split) = item.quotientAndRemainder(dividingBy: splits)
            let samples = group * images..<min((group + 1) * images, sampleCount)
            let blocks = (outputs + block - 1) / block
            let range = blocks * split / splits * block..<min(blocks * (split + 1) / splits * block, outputs)
            run(
                operand, panels: panels, samples: samples, outputRange: range, epilogue: epilogue,
                into: &output, sums: &sums, scratch: &scratch)
        }
    }

    private func run(
        _ operand: borrowing Operand, panels: Span<Float>, samples: Range<Int>, outputRange: Range<Int>,
        epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>,
        scratch: inout MutableSpan<Float>
    ) {
        epilogue.clear(&sums, samples: samples, range: outputRange, channels: outputs)
        let tiles = samples.lowerBound * tilesPerImage..<samples.upperBound * tilesPerImage
        for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: strip) {
            let part = first..<min(first + strip, tiles.upperBound)
            var transformed = scratch.part(0..<transformedCount)
            transform(operand, tiles: part, into: &transformed)
            for column in stride(from: outputRange.lowerBound, to: outputRange.upperBound, by: block) {
                let columns = column..<min(column + block, outputRange.upperBound)
                multiply(panels, count: part.count, columns: columns, scratch: &scratch)
                let products = scratch.span.extracting(transformedCount..<transformedCount + productCount)
                finish(products, tiles: part, columns: columns, epilogue, into: &output, sums: &sums)
            }
        }
    }

    private func multiply(
        _ panels: Span<Float>, count: Int, columns: Range<Int>, scratch: inout MutableSpan<Float>
    ) {
        let size = rowTileCount(rows: strip, inner: channels)
        let panelStride = channels * vectorWidth
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            let left = unsafe Span(
                _unsafeElements: UnsafeBufferPointer(rebasing: scratch[0..<transformedCount]))
            var products = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(
                    rebasing: scratch[transformedCount..<transformedCount + productCount]))
            for product in 0..<winogradProducts {
                var own = products.part(product * productStride..<product * productStride + strip * block)
                let panel = product * channels * outputs + columns.lowerBound * channels
                multiplyTiles(
                    left.extracting(product * transformedStride..<product * transformedStride + size),
                    panels.extracting(panel..<panel + columns.count / vectorWidth * panelStride),
                    panelStride: panelStride, rows: count, columns: columns.count, inner: channels,
                    into: &own,
                    stride: block)
            }
        }
    }
}
