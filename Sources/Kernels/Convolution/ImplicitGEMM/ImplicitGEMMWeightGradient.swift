internal import Memory
internal import Workers

/// The gradient of a convolution's weights as an outer product of gathered patches and output
/// gradients.
struct ImplicitGEMMWeightGradient: Sendable {
    private let patches: ImplicitGEMMConvolution
    private let gradient: ImplicitGEMMConvolution

    /// Largest number of rows that are summed in one chain. Sums of strips are added in order,
    /// which is part of the mathematics.
    private static var chunk: Int { RowStrips.rows }

    init(_ shape: ConvolutionShape, _ arithmetic: ImplicitGEMMConvolution.Arithmetic = .single) {
        patches = ImplicitGEMMConvolution(shape, arithmetic)
        gradient = ImplicitGEMMConvolution(
            ConvolutionShape(
                height: shape.outputHeight, width: shape.outputWidth, channels: shape.outputChannels,
                outputChannels: 1, kernel: 1))
    }

    /// Overwrites `microbatchGradients` with the gradient of each microbatch, or of each of its
    /// parts.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - microbatchSize: Samples of a microbatch or of a part of one.
    ///   - microbatches: Number of microbatches, or of parts; those from `⌈N / microbatchSize⌉` on
    ///     are empty.
    ///   - microbatchGradients: Shape `[microbatches, R, S, C, K]`.
    func accumulate(
        input: borrowing Prologue, outputGradient: borrowing Prologue, sampleCount: Int, microbatchSize: Int,
        microbatches: Int, into microbatchGradients: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        let (block, width) = cut(microbatches: microbatches, threads: pool.threads)
        let blocks = (patches.inner + block - 1) / block
        let parts = (gradient.inner + width - 1) / width
        let input = copy input
        let outputGradient = copy outputGradient
        let gathered = 0..<gatheredCount(block)
        let gradients = gathered.upperBound..<gathered.upperBound + gatheredCount(width)
        let products = gradients.upperBound..<gradients.upperBound + block * width
        let weightCount = patches.taps.count * patches.source.channels * patches.target.channels
        var none = MutableSpan<Double>()
        unsafe pool.share(
            &microbatchGradients, &none, items: microbatches * blocks * parts, scratch: products.upperBound
        ) { item, microbatch, _, scratch in
            let (index, place) = item.quotientAndRemainder(dividingBy: blocks * parts)
            let inner = place / parts * block..<min((place / parts + 1) * block, patches.inner)
            let columns = place % parts * width..<min((place % parts + 1) * width, gradient.inner)
            let samples =
                min(index * microbatchSize, sampleCount)..<min((index + 1) * microbatchSize, sampleCount)
            var isFirst = true
            for chunk in RowStrips(samples: samples, positions: patches.positions) {
                var left = scratch.part(gathered)
                gather(patches, input, rows: chunk, inner, into: &left)
                var right = scratch.part(gradients)
                gather(gradient, outputGradient, rows: chunk, columns, into: &right)
                multiply(
                    rows: inner.count, columns: columns.count, count: chunk.count, gathered, gradients,
                    products,
                    accumulates: !isFirst, &scratch)
                isFirst = false
            }
            if isFirst {
                var own = scratch.part(products)
                own.update(repeating: 0)
            }
            var own = microbatch.part(index * weightCount..<(index + 1) * weightCount)
            copyProducts(scratch.span.extracting(products), inner, columns, into: &own)
        }
    }

    /// Floats of scratch memory per worker that `accumulate` needs.
    func scratchCount(microbatches: Int, threads: Int) -> Int {
        let (block, width) = cut(microbatches: microbatches, threads: threads)
        return gatheredCount(block) + gatheredCount(width) + block * width
    }

    /// Floats of a chunk of gathered columns, and for integers their scales.
    private func gatheredCount(_ columns: Int) -> Int {
        columns * Self.chunk + (patches.arithmetic == .integers ? columns : 0)
    }

    /// Inner elements and columns per item, such that the patches of a chunk stay in the cache and
    /// there are enough items for all threads. Splits the side that leads to less repeated
    /// gathering.
    ///
    /// The library's results may depend on the split, so with the library the split does not depend
    /// on the threads.
    private func cut(microbatches: Int, threads: Int) -> (inner: Int, columns: Int) {
        let (inner, columns) = (min(patches.inner, ImplicitGEMMConvolution.innerBlock), gradient.inner)
        let items = microbatches * ((patches.inner + inner - 1) / inner)
        guard patches.arithmetic != .library && items > 0 && items < threads else { return (inner, columns) }
        let wanted = (threads + items - 1) / items
        return inner >= columns
            ? (paddedToVectors((inner + wanted - 1) / wanted), columns)
            : (inner, paddedToVectors((columns + wanted - 1) / wanted))
    }

    private func gather(
        _ source: ImplicitGEMMConvolution, _ prologue: borrowing Prologue, rows: Range<Int>,
        _ block: Range<Int>,
        into gathered: inout MutableSpan<Float>
    ) {
        if patches.arithmetic == .library {
            source.gatherRows(prologue, rows: rows, block, into: &gathered)
        } else {
            source.gatherPanels(prologue, rows: rows, block, panelRows: Self.chunk, into: &gathered)
            guard patches.arithmetic == .integers else { return }
            for panel in 0..<block.count / vectorWidth {
                packIntegerColumns(
                    &gathered, at: panel * Self.chunk * vectorWidth, inner: rows.count,
                    bits: IntegerBits.outerProduct,
                    scalesAt: block.count * Self.chunk + panel * vectorWidth)
            }
        }
    }

    private func multiply(
        rows: Int, columns: Int, count: Int, _ gathered: Range<Int>, _ gradients: Range<Int>,
        _ products: Range<Int>, accumulates: Bool, _ scratch: inout MutableSpan<Float>
    ) {
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            let left = unsafe Span(_unsafeElements: UnsafeBufferPointer(rebasing: scratch[gathered]))
            let right = unsafe Span(_unsafeElements: UnsafeBufferPointer(rebasing: scratch[gradients]))
            var own = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(
                    rebasing: scratch[products.lowerBound..<products.lowerBound + rows * columns]))
            if patches.arithmetic == .library {
                libraryMatrixProduct(
                    StoredMatrix(
                        left.extracting(0..<count * rows), .transposed, rows: rows, columns: count),
                    StoredMatrix(right.extracting(0..<count * columns), rows: count, columns: columns),
                    into: &own, accumulates: accumulates)
                return
            }
            let area = ProductBlock(rows: rows, columns: columns, stride: columns, accumulates: accumulates)
            let stride = Self.chunk * vectorWidth
            guard patches.arithmetic == .integers else {
                multiplyOuter(
                    left, right, OuterRows(panelsOf: count, panelStride: stride), into: &own, area)
                return
            }
            multiplyOuterIntegers(
                packed(left, columns: rows), packed(right, columns: columns), rows: count,
                panelStride: stride, into: &own, area)
        }
    }

    /// Gathered columns with their scales.
    @_lifetime(copy gathered)
    private func packed(_ gathered: Span<Float>, columns: Int) -> PackedIntegers {
        let count = columns * Self.chunk
        return PackedIntegers(
            gathered.extracting(0..<count), scales: gathered.extracting(count..<count + columns))
    }

    /// Copies the products without the padding of rows and columns.
    private func copyProducts(
        _ products: Span<Float>, _ inner: Range<Int>, _ columns: Range<Int>,
        into gradient: inout MutableSpan<Float>
    ) {
        let outputs = patches.target.channels
        let rows = patches.taps.count * patches.source.channels
        for row in inner.lowerBound..<min(inner.upperBound, rows) {
            copy(
                products, from: (row - inner.lowerBound) * columns.count,
                count: min(columns.upperBound, outputs) - columns.lowerBound, into: &gradient,
                at: row * outputs + columns.lowerBound)
        }
    }
}
