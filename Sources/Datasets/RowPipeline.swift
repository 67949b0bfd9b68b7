internal import Kernels
internal import Workers

/// Pixels of a part of an image, dense.
struct PixelGrid: ~Escapable {
    /// Shape `[height, width, 3]`, and whatever follows.
    let bytes: Span<UInt8>
    /// Where in the image they lie.
    let rect: PixelBox

    @_lifetime(copy bytes)
    init(bytes: Span<UInt8>, rect: PixelBox) {
        self.bytes = bytes
        self.rect = rect
    }

    /// The columns of `box` in row `row` of it.
    ///
    /// - Precondition: They lie in the part.
    @_lifetime(copy self)
    func row(_ row: Int, of box: PixelBox) -> Span<UInt8> {
        let (x, y) = (box.x - rect.x, box.y + row - rect.y)
        precondition(
            x >= 0 && x + box.width <= rect.width && y >= 0 && y < rect.height, "\(box) in \(rect)")
        let start = 3 * (y * rect.width + x)
        return bytes.extracting(start..<start + 3 * box.width)
    }
}

/// Resizes and normalises row by row: each row along x when it is first asked for, rows along y into the row that goes to the
/// network. Only the last few rows are kept, so all of them stay in the first cache.
///
/// Equal bit for bit to `RGBImage.resized` (Pillow's `BILINEAR`) of the placement's box; pixels that the square leaves out are
/// not computed. Where colours change, which takes the whole image, normalisation comes after all rows.
struct RowPipeline: ~Copyable {
    private var alongX = ResizeAxis()
    private var alongY = ResizeAxis()
    /// A row as it is stored, in 32 bits.
    private var source = Buffer<Int32>(zeros: 0)
    /// Rows after the pass along x: row `r` of the box stands at `r % alongY.taps`.
    private var narrow = Buffer<Int32>(zeros: 0)
    private var sums = Buffer<Int32>(zeros: 0)
    private var constants = NormalizationRow()

    /// Overwrites `pixels` with what `placement` takes from `grid`.
    ///
    /// - Parameters:
    ///   - colors: What becomes of the colours, in order.
    ///   - pixels: Shape `[size, size, 3]`.
    /// - Precondition: The placement's box lies in `grid`, its square in the resized box.
    mutating func write(
        _ grid: PixelGrid, _ placement: ImagePlacement, size: Int, colors: [ColorChange] = [],
        _ normalization: ChannelNormalization, into pixels: inout MutableSpan<Float>
    ) {
        precondition(pixels.count == size * size * 3, "\(pixels.count) elements for \(size)×\(size)×3")
        let cut = Cut(placement, size: size)
        reserve(placement, size: size, normalization)
        var ready = 0
        for row in 0..<size {
            var line = pixels.part(row * 3 * size..<(row + 1) * 3 * size)
            guard cut.rows.contains(row) else {
                if colors.isEmpty { constants.fillBlack(&line) } else { line.update(repeating: 0) }
                continue
            }
            let y = placement.top + placement.shiftY + row
            let window = alongY.window(of: y)
            ready = max(ready, window.lowerBound)
            while ready < window.upperBound {
                let start = ready % alongY.taps * rowStride
                Self.resize(
                    grid.row(ready, of: placement.box), along: alongX, cut, by: &source,
                    into: &narrow, at: start..<start + rowStride)
                ready += 1
            }
            Self.sum(narrow, every: rowStride, along: alongY, window, to: y, into: &sums)
            if colors.isEmpty {
                constants.write(sums.span, to: cut.columns, of: &line)
            } else {
                writeLevels(sums.span, to: cut.columns, of: &line)
            }
        }
        guard !colors.isEmpty else { return }
        for change in colors { change.apply(to: &pixels) }
        for row in 0..<size {
            var line = pixels.part(row * 3 * size..<(row + 1) * 3 * size)
            constants.normalizeLevels(&line)
        }
    }

    private mutating func reserve(
        _ placement: ImagePlacement, size: Int, _ normalization: ChannelNormalization
    ) {
        alongX.prepare(from: placement.box.width, to: placement.width)
        alongY.prepare(from: placement.box.height, to: placement.height)
        constants.prepare(normalization, size: size)
        rowStride = 3 * size + 1
        source.reserve(3 * (placement.box.width + alongX.taps) + 4)
        narrow.reserve(alongY.taps * rowStride)
        sums.reserve(rowStride)
    }

    /// Elements of a row after the pass along x, and one that is written over the end.
    private var rowStride = 0

    /// Overwrites `place` of `narrow` with the columns of the result that `line` gives.
    private static func resize(
        _ line: Span<UInt8>, along axis: borrowing ResizeAxis, _ cut: Cut, by source: inout Buffer<Int32>,
        into narrow: inout Buffer<Int32>, at place: Range<Int>
    ) {
        var rows = narrow.mutableSpan
        var target = rows.part(place)
        if axis.isIdentity {
            let part = line.extracting(3 * cut.sources.lowerBound..<3 * cut.sources.upperBound)
            if cut.step > 0 { widen(part, into: &target) } else { widenMirrored(part, into: &target) }
            return
        }
        var levels = source.mutableSpan
        widen(line, into: &levels)
        resizeRow(
            levels.span, along: axis, from: cut.first, step: cut.step, count: cut.columns.count,
            into: &target)
        if axis.canPassLimit { limitLevels(&target) }
    }

    /// Overwrites `sums` with row `y` of the result, from the rows in `window`.
    private static func sum(
        _ narrow: borrowing Buffer<Int32>, every rowStride: Int, along axis: borrowing ResizeAxis,
        _ window: Range<Int>, to y: Int, into sums: inout Buffer<Int32>
    ) {
        let rows = narrow.span
        let weights = axis.weights
        var all = sums.mutableSpan
        var own = all.part(0..<rowStride - 1)
        for (tap, row) in window.enumerated() {
            let start = row % axis.taps * rowStride
            let values = rows.extracting(start..<start + rowStride - 1)
            if axis.isIdentity {
                copy(values, into: &own)
                return
            }
            let weight = weights[y * axis.taps + tap]
            if tap == 0 {
                beginSum(values, weight: weight, into: &own)
            } else {
                accumulate(values, weight: weight, into: &own)
            }
        }
        roundToLevels(&own)
        if axis.canPassLimit { limitLevels(&own) }
    }

    /// Which rows and columns of the result the image reaches, and which resized columns these are.
    private struct Cut {
        let rows: Range<Int>
        let columns: Range<Int>
        /// The resized column of the first one.
        let first: Int
        /// To the next one: −1 where the image is mirrored.
        let step: Int

        init(_ placement: ImagePlacement, size: Int) {
            precondition(
                placement.left >= 0 && placement.left + size <= placement.width && placement.top >= 0
                    && placement.top + size <= placement.height, "a square of \(size): \(placement)")
            columns = Self.reached(shift: placement.shiftX, size: size)
            rows = columns.isEmpty ? 0..<0 : Self.reached(shift: placement.shiftY, size: size)
            let column = columns.lowerBound + placement.shiftX
            first = placement.left + (placement.isMirrored ? size - 1 - column : column)
            step = placement.isMirrored ? -1 : 1
        }

        /// The resized columns in order.
        var sources: Range<Int> {
            step > 0 ? first..<first + columns.count : first + 1 - columns.count..<first + 1
        }

        private static func reached(shift: Int, size: Int) -> Range<Int> {
            let low = min(max(0, -shift), size)
            return low..<max(low, min(size, size - shift))
        }
    }
}
