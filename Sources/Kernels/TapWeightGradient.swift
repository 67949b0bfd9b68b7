internal import Workers

/// The gradient of a convolution's weights as an outer product of gathered patches and output gradients.
struct TapWeightGradient: Sendable {
    private let patches: TapConvolution
    private let gradient: TapConvolution

    /// Rows whose sum is made in one go. Sums of so many rows are added up in order: part of the mathematics.
    private static let chunk = 128

    init(_ shape: ConvolutionShape, usesLibrary: Bool = false) {
        patches = TapConvolution(shape, usesLibrary: usesLibrary)
        gradient = TapConvolution(
            ConvolutionShape(
                height: shape.outputHeight, width: shape.outputWidth, channels: shape.outputChannels,
                outputChannels: 1, kernel: 1))
    }

    /// Overwrites `laneGradients` with each lane's gradient.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - laneGradients: Shape `[⌈N / laneSize⌉, R, S, C, K]`.
    func accumulate(
        input: borrowing Operand, outputGradient: borrowing Operand, sampleCount: Int, laneSize: Int,
        into laneGradients: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        let lanes = (sampleCount + laneSize - 1) / laneSize
        let block = innerBlock(lanes: lanes, threads: pool.threads)
        let blocks = (patches.inner + block - 1) / block
        let columns = gradient.inner
        let input = copy input
        let outputGradient = copy outputGradient
        let gathered = 0..<block * Self.chunk
        let gradients = gathered.upperBound..<gathered.upperBound + columns * Self.chunk
        let products = gradients.upperBound..<gradients.upperBound + block * columns
        let weightCount = patches.taps.count * patches.source.channels * patches.target.channels
        var none = MutableSpan<Double>()
        pool.share(
            &laneGradients, &none, items: lanes * blocks, scratch: products.upperBound
        ) { item, lane, _, scratch in
            let (index, part) = item.quotientAndRemainder(dividingBy: blocks)
            let inner = part * block..<min((part + 1) * block, patches.inner)
            let samples = index * laneSize..<min((index + 1) * laneSize, sampleCount)
            let rows = samples.lowerBound * patches.positions..<samples.upperBound * patches.positions
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.chunk) {
                let chunk = first..<min(first + Self.chunk, rows.upperBound)
                var left = scratch.part(gathered)
                if patches.usesLibrary {
                    patches.gatherRows(input, rows: chunk, inner, into: &left)
                } else {
                    patches.gatherPanels(input, rows: chunk, inner, panelRows: Self.chunk, into: &left)
                }
                var right = scratch.part(gradients)
                if patches.usesLibrary {
                    gradient.gatherRows(outputGradient, rows: chunk, 0..<columns, into: &right)
                } else {
                    gradient.gatherPanels(
                        outputGradient, rows: chunk, 0..<columns, panelRows: Self.chunk, into: &right)
                }
                multiply(
                    rows: inner.count, columns: columns, count: chunk.count, gathered, gradients, products,
                    accumulates: first > rows.lowerBound, &scratch)
            }
            var own = lane.part(index * weightCount..<(index + 1) * weightCount)
            copyProducts(scratch.span.extracting(products), inner, into: &own)
        }
    }

    /// Inner elements of an item: the patches of a chunk in the cache, and items enough for all threads.
    private func innerBlock(lanes: Int, threads: Int) -> Int {
        let wanted = max(2 * threads / max(lanes, 1), 1)
        let share = paddedToVectors((patches.inner + wanted - 1) / wanted)
        return min(share, TapConvolution.innerBlock)
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
            if patches.usesLibrary {
                matrixProduct(
                    left.extracting(0..<count * rows), .transposed, right.extracting(0..<count * columns),
                    .none,
                    rows: rows, columns: columns, inner: count, into: &own, accumulates: accumulates)
                return
            }
            multiplyOuter(
                left, right, panelStride: Self.chunk * vectorWidth, count: count, rows: rows,
                columns: columns,
                into: &own, stride: columns, accumulates: accumulates)
        }
    }

    /// Leaves out the padding of rows and columns.
    private func copyProducts(
        _ products: Span<Float>, _ inner: Range<Int>, into gradient: inout MutableSpan<Float>
    ) {
        let outputs = patches.target.channels
        let rows = patches.taps.count * patches.source.channels
        for row in inner.lowerBound..<min(inner.upperBound, rows) {
            copy(
                products, from: (row - inner.lowerBound) * self.gradient.inner, count: outputs,
                into: &gradient,
                at: row * outputs)
        }
    }
}
