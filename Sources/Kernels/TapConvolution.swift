internal import Workers

/// A convolution as a matrix product whose left rows are gathered a few at a time, tap by tap: any kernel, stride and
/// padding, and the gradient of its input.
///
/// The gradient of a strided convolution's input falls into `stride²` such convolutions, one for each phase of the input's
/// positions, each with the taps that reach it: no product with a zero is made.
struct TapConvolution: Sendable {
    /// One position of the kernel: where it reads, and its place in the weights.
    struct Tap: Sendable {
        let y: Int, x: Int
        let index: Int
    }

    /// What is read: `[N, height, width, channels]`.
    let source: (height: Int, width: Int, channels: Int)
    /// What is written: `[N, height, width, channels]`.
    let target: (height: Int, width: Int, channels: Int)
    let taps: [Tap]
    /// Positions that are written, a grid with a step and an offset in the target.
    let grid: (height: Int, width: Int)
    let targetStep: Int
    let targetOffset: (y: Int, x: Int)
    /// Step of a position in the source.
    let sourceStep: Int
    /// Whether the BLAS library makes the products.
    let usesLibrary: Bool

    /// A convolution.
    init(_ shape: ConvolutionShape, usesLibrary: Bool = false) {
        self.usesLibrary = usesLibrary
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
    private init(inputGradientOf shape: ConvolutionShape, phase: (y: Int, x: Int), usesLibrary: Bool) {
        self.usesLibrary = usesLibrary
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

    /// All phases of the gradient of a convolution's input; together they write every position once.
    static func inputGradient(of shape: ConvolutionShape, usesLibrary: Bool = false) -> [TapConvolution] {
        var phases: [TapConvolution] = []
        for y in 0..<min(shape.stride, shape.height) {
            for x in 0..<min(shape.stride, shape.width) {
                phases.append(TapConvolution(inputGradientOf: shape, phase: (y, x), usesLibrary: usesLibrary))
            }
        }
        return phases
    }

    /// Inner size of the matrix product, padded to whole vectors.
    var inner: Int { paddedToVectors(taps.count * source.channels) }
    /// Columns of the matrix product, padded to whole vectors.
    var columns: Int { paddedToVectors(target.channels) }
    /// Elements of the packed weights: `[columns / 16, inner, 16]`, for the library `[inner, columns]`.
    var panelCount: Int { inner * columns }
    /// Whether each row of the matrix product is one position of the source, in order.
    var readsAsItLies: Bool {
        taps.count == 1 && taps[0].y == 0 && taps[0].x == 0 && sourceStep == 1
            && grid == (source.height, source.width)
    }
    /// Positions of an image that are written.
    var positions: Int { grid.height * grid.width }
}

// MARK: - Product

extension TapConvolution {
    /// Inner elements that are gathered at a time.
    static let innerBlock = 512

    private var strip: Int {
        switch columns {
        case ...512: 8 * tileRows
        case ...1024: 4 * tileRows
        default: 2 * tileRows
        }
    }
    private var gatheredCount: Int { strip * min(inner, Self.innerBlock) }
    /// Floats of scratch memory that `run` needs.
    var scratchCount: Int { gatheredCount + strip * columns }

    /// Overwrites the positions of `samples` that this convolution writes; adds to `sums`.
    ///
    /// - Parameters:
    ///   - output: The whole target.
    ///   - sums: Shape `[N, 2, K]`, added to, or empty where the epilogue makes none.
    func run(
        _ operand: borrowing Operand, panels: Span<Float>, samples: Range<Int>, epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>,
        scratch: inout MutableSpan<Float>
    ) {
        let rows = samples.lowerBound * positions..<samples.upperBound * positions
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: strip) {
            let part = first..<min(first + strip, rows.upperBound)
            for start in stride(from: 0, to: inner, by: Self.innerBlock) {
                let block = start..<min(start + Self.innerBlock, inner)
                var gathered = scratch.part(0..<gatheredCount)
                gatherTiles(operand, rows: part, block, into: &gathered)
                multiply(panels, count: part.count, block, scratch: &scratch)
            }
            if inner == 0 {
                var products = scratch.part(gatheredCount..<scratchCount)
                products.update(repeating: 0)
            }
            store(
                scratch.span.extracting(gatheredCount..<scratchCount), rows: part, epilogue, into: &output,
                sums: &sums)
        }
    }

    private func multiply(
        _ panels: Span<Float>, count: Int, _ block: Range<Int>, scratch: inout MutableSpan<Float>
    ) {
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            let left = unsafe Span(_unsafeElements: UnsafeBufferPointer(rebasing: scratch[0..<gatheredCount]))
            var products = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(rebasing: scratch[gatheredCount..<scratchCount]))
            if usesLibrary {
                var own = products.part(0..<count * columns)
                matrixProduct(
                    left.extracting(0..<count * block.count), .none,
                    panels.extracting(block.lowerBound * columns..<block.upperBound * columns), .none,
                    rows: count,
                    columns: columns, inner: block.count, into: &own, accumulates: block.lowerBound > 0)
                return
            }
            multiplyTiles(
                left, panels.extracting(block.lowerBound * vectorWidth..<panelCount),
                panelStride: inner * vectorWidth,
                rows: count, columns: columns, inner: block.count, into: &products, stride: columns,
                accumulates: block.lowerBound > 0)
        }
    }

    /// Where a row of the matrix product lies.
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
