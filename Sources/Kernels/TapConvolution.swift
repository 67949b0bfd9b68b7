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
    private var readsAsItLies: Bool {
        taps.count == 1 && taps[0].y == 0 && taps[0].x == 0 && sourceStep == 1
            && grid == (source.height, source.width)
    }
    /// Positions of an image that are written.
    var positions: Int { grid.height * grid.width }
}

// MARK: - Weights

extension TapConvolution {
    /// Overwrites `panels` with the weights as column panels.
    ///
    /// - Parameters:
    ///   - weights: Shape `[R, S, C, K]` of the forward convolution.
    ///   - isTransposed: Whether the target's channels are `C`, as in a gradient of the input.
    func packWeights(
        _ weights: Span<Float>, isTransposed: Bool, into panels: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        guard inner > 0 else { return }
        if !(source.channels.isMultiple(of: vectorWidth) && target.channels.isMultiple(of: vectorWidth)) {
            panels.update(repeating: 0)
        }
        let (channels, outputs) = (source.channels, target.channels)
        let (inner, columns, taps) = (inner, columns, taps)
        let step = usesLibrary ? columns : vectorWidth
        let isWhole = channels.isMultiple(of: vectorWidth) && outputs.isMultiple(of: vectorWidth)
        let square = vectorWidth * vectorWidth
        var none = MutableSpan<Double>()
        pool.share(&panels, &none, items: columns / vectorWidth, scratch: square) {
            block, panels, _, scratch in
            let column = block * vectorWidth
            let start = usesLibrary ? column : column * inner
            for (t, tap) in taps.enumerated() {
                for c in 0..<channels {
                    if !isWhole {
                        for i in 0..<min(vectorWidth, outputs - column) {
                            panels[start + (t * channels + c) * step + i] =
                                isTransposed
                                ? weights[(tap.index * outputs + column + i) * channels + c]
                                : weights[(tap.index * channels + c) * outputs + column + i]
                        }
                    } else if !isTransposed {
                        panels.store(
                            weights.vector(at: (tap.index * channels + c) * outputs + column),
                            at: start + (t * channels + c) * step)
                    } else {
                        if c.isMultiple(of: vectorWidth) {
                            transposeSquare(
                                weights, at: (tap.index * outputs + column) * channels + c, stride: channels,
                                into: &scratch, at: 0)
                        }
                        panels.store(
                            scratch.vector(at: c % vectorWidth * vectorWidth),
                            at: start + (t * channels + c) * step)
                    }
                }
            }
        }
    }
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
            finish(
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

// MARK: - Gathering

extension TapConvolution {
    /// Overwrites `gathered` with the inner elements `block` of `rows` as row tiles.
    private func gatherTiles(
        _ operand: borrowing Operand, rows: Range<Int>, _ block: Range<Int>,
        into gathered: inout MutableSpan<Float>
    ) {
        if usesLibrary {
            gatherRows(operand, rows: rows, block, into: &gathered)
            return
        }
        gather(operand, rows: rows, block) { row, chunk in
            let (tile, line) = row.quotientAndRemainder(dividingBy: tileRows)
            return tile * tileRows * block.count + chunk * tileRows * vectorWidth + line * vectorWidth
        } into: {
            gathered.store($0, at: $1)
        }
    }

    /// Overwrites `gathered` with the inner elements `block` of `rows`, shape `[rows, block]`.
    func gatherRows(
        _ operand: borrowing Operand, rows: Range<Int>, _ block: Range<Int>,
        into gathered: inout MutableSpan<Float>
    ) {
        gather(operand, rows: rows, block) { row, chunk in
            row * block.count + chunk * vectorWidth
        } into: {
            gathered.store($0, at: $1)
        }
    }

    /// Overwrites `gathered` with the inner elements `block` of `rows` as panels, shape `[block / 16, panelRows, 16]`.
    func gatherPanels(
        _ operand: borrowing Operand, rows: Range<Int>, _ block: Range<Int>, panelRows: Int,
        into gathered: inout MutableSpan<Float>
    ) {
        gather(operand, rows: rows, block) { row, chunk in
            (chunk * panelRows + row) * vectorWidth
        } into: {
            gathered.store($0, at: $1)
        }
    }

    @inline(__always)
    private func gather(
        _ operand: borrowing Operand, rows: Range<Int>, _ block: Range<Int>,
        _ place: (_ row: Int, _ chunk: Int) -> Int, into store: (Vector, Int) -> Void
    ) {
        guard source.channels.isMultiple(of: vectorWidth) else {
            gatherElements(operand, rows: rows, block, place, into: store)
            return
        }
        switch operand.reading {
        case .plain: gatherVectors(operand, PlainReader.self, rows: rows, block, place, into: store)
        case .normalized: gatherVectors(operand, NormalizedReader.self, rows: rows, block, place, into: store)
        case .combined: gatherVectors(operand, CombinedReader.self, rows: rows, block, place, into: store)
        }
    }

    /// Channels in whole vectors: chunk by chunk, since its coefficients serve all rows of a group.
    @inline(__always)
    private func gatherVectors<Reader: ChannelReader>(
        _ operand: borrowing Operand, _: Reader.Type, rows: Range<Int>, _ block: Range<Int>,
        _ place: (_ row: Int, _ chunk: Int) -> Int, into store: (Vector, Int) -> Void
    ) {
        let channels = source.channels
        var start = rows.lowerBound
        while start < rows.upperBound {
            let first = row(start)
            let end = min(rows.upperBound, (first.sample + 1) * positions)
            let group = operand.groups.group(of: first.sample)
            if readsAsItLies {
                gatherPixels(
                    operand, Reader.self, group: group, pixels: start..<end, first: rows.lowerBound, block,
                    place, into: store)
                start = end
                continue
            }
            let image = first.sample * source.height * source.width
            for chunk in 0..<block.count / vectorWidth {
                let (t, channel) = (block.lowerBound + chunk * vectorWidth).quotientAndRemainder(
                    dividingBy: channels)
                let tap = taps[t]
                let reader = Reader(operand, group: group, channel: channel, channels: channels)
                var (p, q) = (first.p, first.q)
                for index in start..<end {
                    let y = p * sourceStep + tap.y
                    let x = q * sourceStep + tap.x
                    let isInside = y >= 0 && y < source.height && x >= 0 && x < source.width
                    let value =
                        isInside
                        ? reader.vector(operand, at: (image + y * source.width + x) * channels + channel)
                        : Vector()
                    store(value, place(index - rows.lowerBound, chunk))
                    q += 1
                    if q == grid.width {
                        q = 0
                        p += 1
                    }
                }
            }
            start = end
        }
    }

    /// Rows that are pixels of one group: a few at a time, so that memory is read nearly in order and coefficients serve several.
    @inline(__always)
    private func gatherPixels<Reader: ChannelReader>(
        _ operand: borrowing Operand, _: Reader.Type, group: Int, pixels: Range<Int>, first: Int,
        _ block: Range<Int>, _ place: (_ row: Int, _ chunk: Int) -> Int, into store: (Vector, Int) -> Void
    ) {
        let channels = source.channels
        for start in stride(from: pixels.lowerBound, to: pixels.upperBound, by: 8) {
            for chunk in 0..<block.count / vectorWidth {
                let channel = block.lowerBound + chunk * vectorWidth
                let reader = Reader(operand, group: group, channel: channel, channels: channels)
                for index in start..<min(start + 8, pixels.upperBound) {
                    store(
                        reader.vector(operand, at: index * channels + channel), place(index - first, chunk))
                }
            }
        }
    }

    /// Channels that vectors do not fit: inside an image each vector is blended from the runs of neighbouring taps that reach
    /// into it; at its border a row is put together in a line of its own first.
    @inline(__always)
    private func gatherElements(
        _ operand: borrowing Operand, rows: Range<Int>, _ block: Range<Int>,
        _ place: (_ row: Int, _ chunk: Int) -> Int, into store: (Vector, Int) -> Void
    ) {
        let chunks = block.lowerBound / vectorWidth..<block.upperBound / vectorWidth
        let pieces = operand.reading == .plain ? pieces(of: chunks) : []
        let (inside, before, after) = reach
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: inner + 2 * vectorWidth) { memory in
            unsafe memory.initialize(repeating: 0)
            var line = unsafe MutableSpan(_unsafeElements: memory)
            var row = row(rows.lowerBound)
            for index in rows {
                let (y, x) = (row.p * sourceStep, row.q * sourceStep)
                let start = ((row.sample * source.height + y) * source.width + x) * source.channels
                if !pieces.isEmpty && inside.y.contains(y) && inside.x.contains(x)
                    && start >= before && start + after <= operand.first.count
                {
                    var bits = SIMD16<UInt32>()
                    for piece in pieces {
                        bits |= operand.first.vector(at: start + piece.offset).bits & piece.lanes
                        if piece.isLast {
                            store(
                                Vector(bits: bits),
                                place(index - rows.lowerBound, piece.chunk - chunks.lowerBound))
                            bits = SIMD16<UInt32>()
                        }
                    }
                } else {
                    fill(&line, operand, row)
                    for chunk in chunks {
                        store(
                            line.vector(at: chunk * vectorWidth),
                            place(index - rows.lowerBound, chunk - chunks.lowerBound))
                    }
                }
                step(&row)
            }
        }
    }

    /// The next position.
    @inline(__always)
    private func step(_ row: inout Row) {
        row.q += 1
        guard row.q == grid.width else { return }
        row.q = 0
        row.p += 1
        guard row.p == grid.height else { return }
        row.p = 0
        row.sample += 1
    }

    /// The part of a run of neighbouring taps that reaches into one vector of a row.
    private struct Piece {
        let chunk: Int
        /// Where to read, from the row's position in the source.
        let offset: Int
        /// All bits of the lanes that are its.
        let lanes: SIMD16<UInt32>
        /// Whether no other piece reaches into this vector.
        var isLast = false
    }

    /// What the vectors `chunks` of a row are blended from.
    private func pieces(of chunks: Range<Int>) -> [Piece] {
        let channels = source.channels
        var pieces: [Piece] = []
        for chunk in chunks {
            let elements = chunk * vectorWidth..<(chunk + 1) * vectorWidth
            for run in runs {
                let own = (run.lowerBound * channels..<run.upperBound * channels).clamped(to: elements)
                guard !own.isEmpty else { continue }
                let first = taps[run.lowerBound]
                var lanes = SIMD16<UInt32>()
                for element in own { lanes[element - elements.lowerBound] = .max }
                pieces.append(
                    Piece(
                        chunk: chunk,
                        offset: (first.y * source.width + first.x) * channels + elements.lowerBound
                            - run.lowerBound * channels, lanes: lanes))
            }
            if pieces.last?.chunk != chunk {
                pieces.append(Piece(chunk: chunk, offset: 0, lanes: SIMD16()))
            }
            pieces[pieces.count - 1].isLast = true
        }
        return pieces
    }

    /// Runs of taps that are neighbours in the source, as ranges of taps.
    private var runs: [Range<Int>] {
        var runs: [Range<Int>] = []
        for (t, tap) in taps.enumerated() {
            if t > 0 && tap.y == taps[t - 1].y && tap.x == taps[t - 1].x + 1 {
                runs[runs.count - 1] = runs[runs.count - 1].lowerBound..<t + 1
            } else {
                runs.append(t..<t + 1)
            }
        }
        return runs
    }

    /// Positions in the source from which all taps lie inside, and how many elements before and after such a position are read at
    /// most.
    private var reach: (inside: (y: Range<Int>, x: Range<Int>), before: Int, after: Int) {
        let (ys, xs) = (taps.map(\.y), taps.map(\.x))
        func inside(_ offsets: [Int], _ size: Int) -> Range<Int> {
            let first = max(0, -(offsets.min() ?? 0))
            return first..<max(first, min(size, size - (offsets.max() ?? 0)))
        }
        let offsets = taps.map { ($0.y * source.width + $0.x) * source.channels }
        let margin = inner + 2 * vectorWidth
        return (
            (inside(ys, source.height), inside(xs, source.width)),
            margin - (offsets.min() ?? 0), margin + (offsets.max() ?? 0)
        )
    }

    /// Overwrites `line` with one row of patches, runs of neighbouring taps at a time.
    private func fill(_ line: inout MutableSpan<Float>, _ operand: borrowing Operand, _ row: Row) {
        let channels = source.channels
        let end = taps.count * channels
        var first = 0
        while first < taps.count {
            var last = first + 1
            while last < taps.count && taps[last].y == taps[first].y && taps[last].x == taps[last - 1].x + 1 {
                last += 1
            }
            let y = row.p * sourceStep + taps[first].y
            let x = row.q * sourceStep + taps[first].x
            let start = ((row.sample * source.height + y) * source.width + x) * channels
            let isInside = y >= 0 && y < source.height && x >= 0 && x + last - first <= source.width
            // Whole vectors: what they write too much is overwritten by the next run or lies in the padding.
            if isInside && operand.reading == .plain
                && start + ((last - first) * channels + vectorWidth) <= operand.first.count
            {
                for i in stride(from: 0, to: (last - first) * channels, by: vectorWidth) {
                    line.store(operand.first.vector(at: start + i), at: first * channels + i)
                }
            } else {
                for t in first..<last {
                    let inside =
                        y >= 0 && y < source.height && x + t - first >= 0 && x + t - first < source.width
                    for c in 0..<channels {
                        line[t * channels + c] =
                            inside
                            ? operand.element(
                                at: start + (t - first) * channels + c, sample: row.sample, channel: c,
                                channels: channels) : 0
                    }
                }
            }
            first = last
        }
        for i in end..<inner { line[i] = 0 }
    }
}

// MARK: - Results

extension TapConvolution {
    private func finish(
        _ products: Span<Float>, rows: Range<Int>, _ epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        guard target.channels.isMultiple(of: vectorWidth) else {
            finishElements(products, rows: rows, epilogue, into: &output)
            return
        }
        switch (epilogue.kind, epilogue.addend.isEmpty) {
        case (.moments, _):
            finish(products, MomentsSink.self, rows: rows, epilogue, into: &output, sums: &sums)
        case (.store, true):
            finish(products, StoringSink<NothingAdded>.self, rows: rows, epilogue, into: &output, sums: &sums)
        case (.store, false):
            finish(products, StoringSink<AddendAdded>.self, rows: rows, epilogue, into: &output, sums: &sums)
        case (.normalize, true):
            finish(
                products, NormalizingSink<NothingAdded>.self, rows: rows, epilogue, into: &output, sums: &sums
            )
        case (.normalize, false):
            finish(
                products, NormalizingSink<AddendAdded>.self, rows: rows, epilogue, into: &output, sums: &sums)
        case (.maskByNormalized, true):
            finish(
                products, NormalizedMaskSink<NothingAdded>.self, rows: rows, epilogue, into: &output,
                sums: &sums)
        case (.maskByNormalized, false):
            finish(
                products, NormalizedMaskSink<AddendAdded>.self, rows: rows, epilogue, into: &output,
                sums: &sums)
        case (.maskByRectified, true):
            finish(
                products, RectifiedMaskSink<NothingAdded>.self, rows: rows, epilogue, into: &output,
                sums: &sums)
        case (.maskByRectified, false):
            finish(
                products, RectifiedMaskSink<AddendAdded>.self, rows: rows, epilogue, into: &output,
                sums: &sums)
        }
    }

    private func finish<Sink: ResultSink>(
        _ products: Span<Float>, _: Sink.Type, rows: Range<Int>, _ epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        let channels = target.channels
        var start = rows.lowerBound
        while start < rows.upperBound {
            let first = row(start)
            let end = min(rows.upperBound, (first.sample + 1) * positions)
            let group = epilogue.groups.group(of: first.sample)
            for k in stride(from: 0, to: channels, by: vectorWidth) {
                let sink = Sink(epilogue, group: group, channel: k, channels: channels)
                var values = SIMD16<Double>()
                var products64 = SIMD16<Double>()
                var (p, q) = (first.p, first.q)
                for index in start..<end {
                    let value = products.vector(at: (index - rows.lowerBound) * columns + k)
                    let y = p * targetStep + targetOffset.y
                    let x = q * targetStep + targetOffset.x
                    let place = ((first.sample * target.height + y) * target.width + x) * channels + k
                    let taken = sink.take(value, epilogue, at: place, into: &output)
                    if Sink.hasSums {
                        let wide = SIMD16<Double>(taken.value)
                        values += wide
                        products64 = products64.addingProduct(wide, SIMD16<Double>(taken.factor))
                    }
                    q += 1
                    if q == grid.width {
                        q = 0
                        p += 1
                    }
                }
                if Sink.hasSums {
                    sums.accumulate(values, at: 2 * first.sample * channels + k)
                    sums.accumulate(products64, at: (2 * first.sample + 1) * channels + k)
                }
            }
            start = end
        }
    }

    private func finishElements(
        _ products: Span<Float>, rows: Range<Int>, _ epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>
    ) {
        precondition(
            epilogue.kind == .store, "sums of \(target.channels) channels, no multiple of \(vectorWidth)")
        let channels = target.channels
        for index in rows {
            let row = row(index)
            let y = row.p * targetStep + targetOffset.y
            let x = row.q * targetStep + targetOffset.x
            let place = ((row.sample * target.height + y) * target.width + x) * channels
            for k in 0..<channels {
                output[place + k] = products[(index - rows.lowerBound) * columns + k]
            }
        }
    }
}
