internal import Memory

/// An implicit-GEMM convolution: a matrix product whose left rows are gathered a few at a time, tap
/// by tap. Supports any kernel, stride and padding, and the gradient of the input.
///
/// The input gradient of a strided convolution decomposes into `stride²` such convolutions, one for
/// each phase of the input's positions, each with the taps that reach its phase. No product with an
/// inserted zero is computed.
struct ImplicitGEMMConvolution: Sendable {
    /// One kernel position: the offset that it reads, and its index in the weights.
    struct Tap: Sendable {
        let y: Int, x: Int
        let index: Int
    }

    /// The tensor that is read: `[N, height, width, channels]`.
    let source: (height: Int, width: Int, channels: Int)
    /// The tensor that is written: `[N, height, width, channels]`.
    let target: (height: Int, width: Int, channels: Int)
    let taps: [Tap]
    /// Grid of the written positions; `targetStep` and `targetOffset` place it in the target.
    let grid: (height: Int, width: Int)
    let targetStep: Int
    let targetOffset: (y: Int, x: Int)
    /// Pixels of the source from one position to the next.
    let sourceStep: Int
    let arithmetic: Arithmetic

    /// How products are computed.
    enum Arithmetic: Sendable {
        /// In register tiles, in single precision.
        case single
        /// In register tiles of integers.
        case integers
        /// By the BLAS library.
        case library

        init(_ algorithm: ConvolutionAlgorithm) {
            self =
                switch algorithm {
                case .winograd, .winogradInt14, .tiled: .single
                case .tiledInt14: .integers
                case .library: .library
                }
        }
    }

    /// A convolution.
    init(_ shape: ConvolutionShape, _ arithmetic: Arithmetic = .single) {
        self.arithmetic = arithmetic
        source = (shape.height, shape.width, shape.channels)
        target = (shape.outputHeight, shape.outputWidth, shape.outputChannels)
        taps = (0..<shape.kernel * shape.kernel).map {
            Tap(y: $0 / shape.kernel - shape.padding, x: $0 % shape.kernel - shape.padding, index: $0)
        }
        grid = (shape.outputHeight, shape.outputWidth)
        targetStep = 1
        targetOffset = (0, 0)
        sourceStep = shape.stride
    }

    /// One phase of the gradient of a convolution's input.
    private init(inputGradientOf shape: ConvolutionShape, phase: (y: Int, x: Int), _ arithmetic: Arithmetic) {
        self.arithmetic = arithmetic
        let step = shape.stride
        source = (shape.outputHeight, shape.outputWidth, shape.outputChannels)
        target = (shape.height, shape.width, shape.channels)
        taps = (0..<shape.kernel * shape.kernel).compactMap {
            let y = phase.y + shape.padding - $0 / shape.kernel
            let x = phase.x + shape.padding - $0 % shape.kernel
            return y.isMultiple(of: step) && x.isMultiple(of: step)
                ? Tap(y: y / step, x: x / step, index: $0) : nil
        }
        grid = ((shape.height - phase.y + step - 1) / step, (shape.width - phase.x + step - 1) / step)
        targetStep = step
        targetOffset = phase
        sourceStep = 1
    }

    /// All phases of the gradient of a convolution's input; together they write every position
    /// once.
    static func inputGradient(
        of shape: ConvolutionShape, _ arithmetic: Arithmetic = .single
    ) -> [ImplicitGEMMConvolution] {
        var phases: [ImplicitGEMMConvolution] = []
        for y in 0..<min(shape.stride, shape.height) {
            for x in 0..<min(shape.stride, shape.width) {
                phases.append(
                    ImplicitGEMMConvolution(inputGradientOf: shape, phase: (y, x), arithmetic))
            }
        }
        return phases
    }

    /// Inner size of the matrix product, padded to whole vectors.
    var inner: Int { paddedToVectors(taps.count * source.channels) }
    /// Columns of the matrix product, padded to whole vectors.
    var columns: Int { paddedToVectors(target.channels) }
    /// Elements of the packed weights: `[columns / 16, inner, 16]`, for the library
    /// `[inner, columns]`; integers have their scales behind them, `[blocks, columns]`.
    var panelCount: Int { weightCount + (arithmetic == .integers ? blockCount(inner) * columns : 0) }
    /// Elements of the packed weights without scales.
    var weightCount: Int { inner * columns }
    /// Whether each row of the matrix product is one position of the source, in order.
    var readsAsItLies: Bool {
        taps.count == 1 && taps[0].y == 0 && taps[0].x == 0 && sourceStep == 1
            && grid == (source.height, source.width)
    }
    /// Written positions per image.
    var positions: Int { grid.height * grid.width }
}

// MARK: - Product

extension ImplicitGEMMConvolution {
    /// Inner elements per pass over the columns.
    static let innerBlock = 512
    /// Columns that are multiplied and stored at a time if all inner elements of a strip are
    /// gathered.
    static let columnBlock = 512
    /// The largest inner size for which a strip is gathered as a whole.
    private static let gatheredInner = 2048

    private var gathersAll: Bool { inner <= Self.gatheredInner }
    private var productColumns: Int {
        gathersAll && arithmetic != .library ? min(columns, Self.columnBlock) : columns
    }
    private var gatheredCount: Int {
        tileCount(rows: RowStrips.rows, inner: gathersAll ? inner : Self.innerBlock)
    }

    /// Blocks of `inner` inner elements.
    func blockCount(_ inner: Int) -> Int { (inner + Self.innerBlock - 1) / Self.innerBlock }

    /// Floats of `rows` gathered rows of `inner` inner elements: of each block the row tiles, then for
    /// integers the scales of its rows.
    func tileCount(rows: Int, inner: Int) -> Int {
        rowTileCount(rows: rows, inner: inner)
            + (arithmetic == .integers ? blockCount(inner) * scaleCount(rows: rows) : 0)
    }

    private func scaleCount(rows: Int) -> Int { (rows + tileRows - 1) / tileRows * tileRows }
    /// Floats of scratch memory that `run` needs.
    var scratchCount: Int { gatheredCount + RowStrips.rows * productColumns }

    /// The part `index` of `splits` parts of the output channels.
    func columns(_ index: Int, of splits: Int) -> Range<Int> {
        let blocks = columns / vectorWidth
        return blocks * index / splits * vectorWidth..<blocks * (index + 1) / splits * vectorWidth
    }

    /// Parts into which output channels are split so that `wanted` threads have work; each gathers
    /// its rows again.
    ///
    /// The library's results may depend on it, so with the library there is one.
    func splits(wanted: Int) -> Int {
        arithmetic == .library ? 1 : min(wanted, max(columns / Self.leastColumns, 1))
    }

    private static var leastColumns: Int { 64 }

    /// Overwrites the positions of `samples` that this convolution writes; adds to `sums`.
    ///
    /// - Parameters:
    ///   - range: The output channels that are computed.
    ///   - output: The whole target.
    ///   - sums: Shape `[N, 2, K]`, added to; empty if the epilogue computes no sums.
    func run(
        _ prologue: borrowing Prologue, panels: Span<Float>, samples: Range<Int>, columns range: Range<Int>,
        epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>,
        scratch: inout MutableSpan<Float>
    ) {
        for rows in RowStrips(samples: samples, positions: positions) {
            if gathersAll {
                var gathered = scratch.part(0..<gatheredCount)
                gatherBlocks(prologue, rows: rows, 0..<inner, into: &gathered)
            }
            for column in stride(from: range.lowerBound, to: range.upperBound, by: productColumns) {
                let own = column..<min(column + productColumns, range.upperBound)
                for start in stride(from: 0, to: inner, by: Self.innerBlock) {
                    let block = start..<min(start + Self.innerBlock, inner)
                    if !gathersAll {
                        var gathered = scratch.part(0..<gatheredCount)
                        gatherTiles(prologue, rows: rows, block, into: &gathered)
                    }
                    multiply(panels, rows: rows.count, block, columns: own, scratch: &scratch)
                }
                var products = scratch.part(gatheredCount..<scratchCount)
                if inner == 0 { products.update(repeating: 0) }
                store(products.span, rows: rows, columns: own, epilogue, into: &output, sums: &sums)
            }
        }
    }

    /// Overwrites `gathered` with the inner elements `range` of `rows` as row tiles, in blocks of
    /// `innerBlock` inner elements.
    func gatherBlocks(
        _ prologue: borrowing Prologue, rows: Range<Int>, _ range: Range<Int>,
        into gathered: inout MutableSpan<Float>
    ) {
        var place = 0
        for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.innerBlock) {
            let block = start..<min(start + Self.innerBlock, range.upperBound)
            let count = tileCount(rows: rows.count, inner: block.count)
            var own = gathered.part(place..<place + count)
            gatherTiles(prologue, rows: rows, block, into: &own)
            place += count
        }
    }

    private func multiply(
        _ panels: Span<Float>, rows: Int, _ block: Range<Int>, columns own: Range<Int>,
        scratch: inout MutableSpan<Float>
    ) {
        let start = gathersAll ? tileCount(rows: rows, inner: block.lowerBound) : 0
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            let left = unsafe Span(
                _unsafeElements: UnsafeBufferPointer(rebasing: scratch[start..<gatheredCount]))
            var products = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(rebasing: scratch[gatheredCount..<scratchCount]))
            multiply(left, panels, rows: rows, block, columns: own, into: &products)
        }
    }

    /// Overwrites `products`, shape `[rows, columns]`, with the products of a block of inner
    /// elements; adds to it from the second block on.
    ///
    /// - Parameter left: As written by `gatherTiles`.
    func multiply(
        _ left: Span<Float>, _ panels: Span<Float>, rows: Int, _ block: Range<Int>, columns own: Range<Int>,
        into products: inout MutableSpan<Float>
    ) {
        if arithmetic == .library {
            var all = products.part(0..<rows * columns)
            libraryMatrixProduct(
                StoredMatrix(left.extracting(0..<rows * block.count), rows: rows, columns: block.count),
                StoredMatrix(
                    panels.extracting(block.lowerBound * columns..<block.upperBound * columns),
                    rows: block.count, columns: columns),
                into: &all, accumulates: block.lowerBound > 0)
            return
        }
        let area = ProductBlock(
            rows: rows, columns: own.count, stride: own.count, accumulates: block.lowerBound > 0)
        let weights = panels.extracting(
            own.lowerBound * inner + block.lowerBound * vectorWidth..<weightCount)
        guard arithmetic == .integers else {
            multiplyTiles(
                left, weights, panelStride: inner * vectorWidth, inner: block.count, into: &products, area)
            return
        }
        let tiles = rowTileCount(rows: rows, inner: block.count)
        let scales = weightCount + block.lowerBound / Self.innerBlock * columns
        multiplyIntegerTiles(
            PackedIntegers(
                left.extracting(0..<tiles),
                scales: left.extracting(tiles..<tiles + scaleCount(rows: rows))),
            PackedIntegers(
                weights,
                scales: panels.extracting(scales + own.lowerBound..<scales + own.upperBound)),
            panelStride: inner * vectorWidth, inner: block.count, into: &products, area)
    }

    /// The sample and the position of a row of the matrix product.
    struct Row {
        var sample: Int
        var p: Int, q: Int
    }

    @inline(__always)
    func row(_ index: Int) -> Row {
        let (sample, position) = index.quotientAndRemainder(dividingBy: positions)
        let (p, q) = position.quotientAndRemainder(dividingBy: grid.width)
        return Row(sample: sample, p: p, q: q)
    }
}
