internal import Memory
internal import Workers

extension ImplicitGEMMConvolution {
    /// Overwrites `gathered` with the inner elements `block` of `rows` as row tiles, for integers with
    /// the scales of the rows behind them.
    func gatherTiles(
        _ prologue: borrowing Prologue, rows: Range<Int>, _ block: Range<Int>,
        into gathered: inout MutableSpan<Float>
    ) {
        if arithmetic == .library {
            gatherRows(prologue, rows: rows, block, into: &gathered)
            return
        }
        guard arithmetic == .integers else {
            gatherFloatTiles(prologue, rows: rows, block, into: &gathered)
            return
        }
        // Tile by tile, which stays in the first cache until it is packed.
        let scales = rowTileCount(rows: rows.count, inner: block.count)
        for row in stride(from: 0, to: rows.count, by: tileRows) {
            let start = rowTileCount(rows: row, inner: block.count)
            let own = rows.lowerBound + row..<min(rows.lowerBound + row + tileRows, rows.upperBound)
            var tile = gathered.part(start..<gathered.count)
            gatherFloatTiles(prologue, rows: own, block, into: &tile)
            packIntegerRows(&tile, rows: own.count, inner: block.count, scalesAt: scales - start + row)
        }
    }

    @inline(__always)
    private func gatherFloatTiles(
        _ prologue: borrowing Prologue, rows: Range<Int>, _ block: Range<Int>,
        into gathered: inout MutableSpan<Float>
    ) {
        gather(prologue, rows: rows, block, Runs(rows: tileRows, step: vectorWidth)) { row, chunk in
            rowTilePlace(row: row, inner: block.count) + chunk * tileRows * vectorWidth
        } into: {
            gathered.store($0, at: $1)
        }
    }

    /// Overwrites `gathered` with the inner elements `block` of `rows`, shape `[rows, block]`.
    func gatherRows(
        _ prologue: borrowing Prologue, rows: Range<Int>, _ block: Range<Int>,
        into gathered: inout MutableSpan<Float>
    ) {
        gather(prologue, rows: rows, block, Runs(rows: 8, step: block.count)) { row, chunk in
            row * block.count + chunk * vectorWidth
        } into: {
            gathered.store($0, at: $1)
        }
    }

    /// Overwrites `gathered` with the inner elements `block` of `rows` as panels, shape
    /// `[block / 16, panelRows, 16]`.
    func gatherPanels(
        _ prologue: borrowing Prologue, rows: Range<Int>, _ block: Range<Int>, panelRows: Int,
        into gathered: inout MutableSpan<Float>
    ) {
        gather(prologue, rows: rows, block, Runs(rows: 8, step: vectorWidth)) { row, chunk in
            (chunk * panelRows + row) * vectorWidth
        } into: {
            gathered.store($0, at: $1)
        }
    }

    /// Layout of gathered rows: from each multiple of `rows` on, rows are `step` elements apart.
    private struct Runs {
        let rows: Int
        let step: Int
    }

    @inline(__always)
    private func gather(
        _ prologue: borrowing Prologue, rows: Range<Int>, _ block: Range<Int>, _ runs: Runs,
        _ place: (_ row: Int, _ chunk: Int) -> Int, into store: (Vector, Int) -> Void
    ) {
        guard source.channels.isMultiple(of: vectorWidth) else {
            gatherElements(prologue, rows: rows, block, place, into: store)
            return
        }
        switch prologue.reading {
        case .plain: gatherVectors(prologue, PlainReader.self, rows: rows, block, runs, place, into: store)
        case .normalized:
            gatherVectors(prologue, NormalizedReader.self, rows: rows, block, runs, place, into: store)
        case .combined:
            gatherVectors(prologue, CombinedReader.self, rows: rows, block, runs, place, into: store)
        }
    }

    /// For channel counts that are multiples of 16: chunk by chunk, since a chunk's coefficients
    /// serve all rows of a group.
    @inline(__always)
    private func gatherVectors<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, rows: Range<Int>, _ block: Range<Int>, _ runs: Runs,
        _ place: (_ row: Int, _ chunk: Int) -> Int, into store: (Vector, Int) -> Void
    ) {
        let channels = source.channels
        var start = rows.lowerBound
        while start < rows.upperBound {
            let first = row(start)
            let end = min(rows.upperBound, (first.sample + 1) * positions)
            let group = prologue.groups.group(of: first.sample)
            if readsAsItLies {
                gatherPixels(
                    prologue, Reader.self, group: group, pixels: start..<end, first: rows.lowerBound, block,
                    runs, place, into: store)
                start = end
                continue
            }
            let image = first.sample * source.height * source.width
            for chunk in 0..<block.count / vectorWidth {
                let (t, channel) = (block.lowerBound + chunk * vectorWidth).quotientAndRemainder(
                    dividingBy: channels)
                let tap = taps[t]
                let reader = Reader(prologue, group: group, channel: channel, channels: channels)
                var (p, q) = (first.p, first.q)
                for index in start..<end {
                    let y = p * sourceStep + tap.y
                    let x = q * sourceStep + tap.x
                    let isInside = y >= 0 && y < source.height && x >= 0 && x < source.width
                    let value =
                        isInside
                        ? reader.vector(prologue, at: (image + y * source.width + x) * channels + channel)
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

    /// For rows that are consecutive pixels of one group: gathers a few rows at a time, so that
    /// memory is read nearly in order and coefficients serve several rows.
    @inline(__always)
    private func gatherPixels<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, group: Int, pixels: Range<Int>, first: Int,
        _ block: Range<Int>, _ runs: Runs, _ place: (_ row: Int, _ chunk: Int) -> Int,
        into store: (Vector, Int) -> Void
    ) {
        let channels = source.channels
        var start = pixels.lowerBound
        while start < pixels.upperBound {
            let row = start - first
            let count = min(runs.rows - row % runs.rows, pixels.upperBound - start)
            for chunk in 0..<block.count / vectorWidth {
                let channel = block.lowerBound + chunk * vectorWidth
                let reader = Reader(prologue, group: group, channel: channel, channels: channels)
                var from = start * channels + channel
                var to = place(row, chunk)
                for _ in 0..<count {
                    store(reader.vector(prologue, at: from), to)
                    from += channels
                    to += runs.step
                }
            }
            start += count
        }
    }

    /// For other channel counts: inside an image each vector is blended from the runs of
    /// neighbouring taps that overlap it; at the border a row is assembled in a temporary line
    /// first.
    @inline(__always)
    private func gatherElements(
        _ prologue: borrowing Prologue, rows: Range<Int>, _ block: Range<Int>,
        _ place: (_ row: Int, _ chunk: Int) -> Int, into store: (Vector, Int) -> Void
    ) {
        let chunks = block.lowerBound / vectorWidth..<block.upperBound / vectorWidth
        precondition(prologue.first.storage == .float32, "a map of \(source.channels) channels in 16 bits")
        let pieces = prologue.reading == .plain ? pieces(of: chunks) : []
        let (inside, before, after) = reach
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: inner + 2 * vectorWidth) { memory in
            unsafe memory.initialize(repeating: 0)
            var line = unsafe MutableSpan(_unsafeElements: memory)
            var row = row(rows.lowerBound)
            for index in rows {
                let (y, x) = (row.p * sourceStep, row.q * sourceStep)
                let start = ((row.sample * source.height + y) * source.width + x) * source.channels
                if !pieces.isEmpty && inside.y.contains(y) && inside.x.contains(x)
                    && start >= before && start + after <= prologue.first.floats.count
                {
                    var bits = SIMD16<UInt32>()
                    for piece in pieces {
                        bits |= prologue.first.vector(at: start + piece.offset).bits & piece.lanes
                        if piece.isLast {
                            store(
                                Vector(bits: bits),
                                place(index - rows.lowerBound, piece.chunk - chunks.lowerBound))
                            bits = SIMD16<UInt32>()
                        }
                    }
                } else {
                    fill(&line, prologue, row)
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

    /// Advances to the next position.
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

    /// The part of a run of neighbouring taps that overlaps one vector of a row.
    private struct Piece {
        let chunk: Int
        /// Offset of the read from the row's position in the source, in elements.
        let offset: Int
        /// All bits of the lanes that belong to this piece.
        let lanes: SIMD16<UInt32>
        /// Whether this is the last piece of its vector.
        var isLast = false
    }

    /// The pieces that the vectors `chunks` of a row are blended from.
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

    /// Source positions whose taps all lie inside the image, and the largest number of elements
    /// that are read before and after such a position.
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

    /// Overwrites `line` with one row of patches, one run of neighbouring taps at a time.
    private func fill(_ line: inout MutableSpan<Float>, _ prologue: borrowing Prologue, _ row: Row) {
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
            // Copies whole vectors: the excess is overwritten by the next run or lies in the
            // padding.
            if isInside && prologue.reading == .plain
                && start + ((last - first) * channels + vectorWidth) <= prologue.first.floats.count
            {
                for i in stride(from: 0, to: (last - first) * channels, by: vectorWidth) {
                    line.store(prologue.first.vector(at: start + i), at: first * channels + i)
                }
            } else {
                for t in first..<last {
                    let inside =
                        y >= 0 && y < source.height && x + t - first >= 0 && x + t - first < source.width
                    for c in 0..<channels {
                        line[t * channels + c] =
                            inside
                            ? prologue.element(
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
