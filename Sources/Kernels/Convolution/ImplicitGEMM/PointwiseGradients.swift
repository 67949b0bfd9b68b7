internal import Memory
internal import Workers

/// Both gradients of a pointwise convolution of stride 1, with one read of its input and of its
/// output gradient.
///
/// A microbatch consists of parts; one worker computes all strips of a part, in order. The
/// microbatch's weight gradient is the balanced tree sum of its parts. The results have the same
/// bits as those of `ImplicitGEMMWeightGradient` and `ImplicitGEMMConvolution.inputGradient`.
struct PointwiseGradients: Sendable {
    let forward: ImplicitGEMMConvolution
    let backward: ImplicitGEMMConvolution
    var channels: Int { forward.source.channels }
    var outputs: Int { forward.target.channels }

    init(_ shape: ConvolutionShape, _ arithmetic: ImplicitGEMMConvolution.Arithmetic) {
        precondition(Self.supports(shape), "pointwise gradients cannot compute \(shape)")
        forward = ImplicitGEMMConvolution(shape, arithmetic)
        backward = ImplicitGEMMConvolution.inputGradient(of: shape, arithmetic)[0]
    }

    static func supports(_ shape: ConvolutionShape) -> Bool {
        shape.isPointwise && shape.stride == 1 && shape.channels.isMultiple(of: vectorWidth)
            && shape.outputChannels.isMultiple(of: vectorWidth)
    }

    /// Number of parts per microbatch.
    static func parts(microbatchSize: Int) -> Int {
        microbatchSize.isMultiple(of: 4) ? 4 : microbatchSize.isMultiple(of: 2) ? 2 : 1
    }

    var usesIntegers: Bool { forward.arithmetic == .integers }
    /// Channels of a block of the input.
    private var block: Int { min(channels, ImplicitGEMMConvolution.innerBlock) }

    /// Ranges of a worker's scratch memory: output gradients as row tiles, inputs as row tiles or,
    /// for integers, as columns; products.
    var gradients: Range<Int> { 0..<backward.tileCount(rows: RowStrips.rows, inner: outputs) }
    var inputs: Range<Int> {
        let count = usesIntegers ? columnCount(block) : rowTileCount(rows: RowStrips.rows, inner: block)
        return gradients.upperBound..<gradients.upperBound + count
    }
    private var products: Range<Int> {
        inputs.upperBound..<inputs.upperBound + RowStrips.rows * block
    }
    /// For integers: output gradients as columns, and a block of values before they are packed.
    var gradientColumns: Range<Int> {
        products.upperBound..<products.upperBound + (usesIntegers ? columnCount(outputs) : 0)
    }
    var values: Range<Int> {
        let width = min(max(channels, outputs), ImplicitGEMMConvolution.innerBlock)
        let start = gradientColumns.upperBound
        return start..<start + (usesIntegers ? RowStrips.rows * width : 0)
    }
    /// Floats of scratch memory per worker that `run` needs.
    var scratchCount: Int { values.upperBound }

    /// Overwrites `inputGradient` and `partGradients`.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - outputGradient: Shape `[N, H, W, K]`.
    ///   - panels: The weights, packed for the input's gradient.
    ///   - partSize: Samples of a part of a microbatch.
    ///   - parts: Number of parts of all microbatches; those from `⌈N / partSize⌉` on are empty.
    ///   - inputGradient: Shape `[N, H, W, C]`.
    ///   - partGradients: Shape `[parts, C, K]`.
    ///   - sums: Shape `[N, 2, C]`: overwritten if the epilogue computes sums.
    func run(
        input: borrowing Prologue, outputGradient: borrowing Prologue, panels: Span<Float>, sampleCount: Int,
        partSize: Int, parts: Int, epilogue: borrowing Epilogue,
        into inputGradient: inout MutableSpan<Float>, partGradients: inout MutableSpan<Float>,
        sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        let input = copy input
        let outputGradient = copy outputGradient
        let epilogue = copy epilogue
        let weightCount = channels * outputs
        unsafe pool.share(&inputGradient, &partGradients, &sums, items: parts, scratch: scratchCount) {
            part, inputGradient, partGradients, sums, scratch in
            let samples =
                min(part * partSize, sampleCount)..<min((part + 1) * partSize, sampleCount)
            epilogue.clear(&sums, samples: samples, range: 0..<channels, channels: channels)
            var weightGradient = partGradients.part(part * weightCount..<(part + 1) * weightCount)
            if samples.isEmpty { weightGradient.update(repeating: 0) }
            var isFirst = true
            for rows in RowStrips(samples: samples, positions: forward.positions) {
                if usesIntegers {
                    packGradients(outputGradient, rows: rows, &scratch)
                } else {
                    var gathered = scratch.part(gradients)
                    backward.gatherBlocks(outputGradient, rows: rows, 0..<outputs, into: &gathered)
                }
                for channel in stride(from: 0, to: channels, by: ImplicitGEMMConvolution.innerBlock) {
                    let block = channel..<min(channel + ImplicitGEMMConvolution.innerBlock, channels)
                    if usesIntegers {
                        packInputs(input, rows: rows, block, &scratch)
                        multiplyIntegerWeights(
                            rows: rows.count, block, accumulates: !isFirst, scratch.span,
                            into: &weightGradient)
                    } else {
                        var gathered = scratch.part(inputs)
                        forward.gatherTiles(input, rows: rows, block, into: &gathered)
                        multiplyWeights(
                            rows: rows.count, block, accumulates: !isFirst, scratch.span,
                            into: &weightGradient)
                    }
                    multiplyInput(panels, rows: rows.count, block, &scratch)
                    backward.store(
                        scratch.span.extracting(products), rows: rows, columns: block, epilogue,
                        into: &inputGradient, sums: &sums)
                }
                isFirst = false
            }
        }
    }

    /// Adds a strip's products to the rows `block` of a part's weight gradient.
    private func multiplyWeights(
        rows: Int, _ block: Range<Int>, accumulates: Bool, _ scratch: Span<Float>,
        into weightGradient: inout MutableSpan<Float>
    ) {
        for output in stride(from: 0, to: outputs, by: ImplicitGEMMConvolution.innerBlock) {
            let columns = output..<min(output + ImplicitGEMMConvolution.innerBlock, outputs)
            let start = block.lowerBound * outputs + columns.lowerBound
            var own = weightGradient.part(start..<weightGradient.count)
            multiplyOuter(
                scratch.extracting(inputs),
                scratch.extracting(rowTileCount(rows: rows, inner: output)..<gradients.upperBound),
                OuterRows(tilesOf: rows, leftColumns: block.count, rightColumns: columns.count),
                into: &own,
                ProductBlock(
                    rows: block.count, columns: columns.count, stride: outputs, accumulates: accumulates))
        }
    }

    /// Overwrites the products with a strip's gradients of the input channels `block`.
    private func multiplyInput(
        _ panels: Span<Float>, rows: Int, _ block: Range<Int>, _ scratch: inout MutableSpan<Float>
    ) {
        let (gradients, products) = (gradients, products)
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            var results = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(rebasing: scratch[products]))
            for output in stride(from: 0, to: outputs, by: ImplicitGEMMConvolution.innerBlock) {
                let start = backward.tileCount(rows: rows, inner: output)
                let left = unsafe Span(
                    _unsafeElements: UnsafeBufferPointer(rebasing: scratch[start..<gradients.upperBound]))
                backward.multiply(
                    left, panels, rows: rows,
                    output..<min(output + ImplicitGEMMConvolution.innerBlock, outputs),
                    columns: block, into: &results)
            }
        }
    }
}
