internal import Memory

/// Pixels of a rectangle of an image, stored densely.
struct PixelGrid: ~Escapable {
    /// Pixels of shape `[height, width, 3]`; more bytes may follow.
    let bytes: Span<UInt8>
    /// The rectangle of the image that the pixels cover.
    let rect: PixelBox

    @_lifetime(copy bytes)
    init(bytes: Span<UInt8>, rect: PixelBox) {
        self.bytes = bytes
        self.rect = rect
    }

    /// Row `row` of `box`, all of its columns.
    ///
    /// - Precondition: The row lies in `rect`.
    @_lifetime(copy self)
    func row(_ row: Int, of box: PixelBox) -> Span<UInt8> {
        let (x, y) = (box.x - rect.x, box.y + row - rect.y)
        precondition(
            x >= 0 && x + box.width <= rect.width && y >= 0 && y < rect.height, "\(box) in \(rect)")
        let start = 3 * (y * rect.width + x)
        return bytes.extracting(start..<start + 3 * box.width)
    }
}

/// Resizes and normalises row by row: resizes each input row along x when it is first needed, and
/// combines the resized rows along y into one output row. Only the last few rows are kept, so all
/// of them stay in the L1 cache.
///
/// The result equals `RGBImage.resized` (Pillow's `BILINEAR`) of the geometry's box bit for bit;
/// pixels outside the square are not computed. Colour changes need the whole image, so
/// normalisation then follows after all rows.
struct RowPipeline: ~Copyable {
    private var alongX = ResizeAxis()
    private var alongY = ResizeAxis()
    /// A stored row, widened to 32 bits.
    private var source = Buffer<Int32>(zeros: 0)
    /// Ring buffer of rows after the pass along x: row `r` of the box is in slot `r % alongY.taps`.
    private var narrow = Buffer<Int32>(zeros: 0)
    private var sums = Buffer<Int32>(zeros: 0)
    private var constants = NormalizationRow()

    /// Overwrites `pixels` with the pixels of `grid` transformed by `geometry`.
    ///
    /// - Parameters:
    ///   - colors: Colour changes, in the order in which they are applied.
    ///   - pixels: Shape `[size, size, 3]`.
    /// - Precondition: The geometry's box lies in `grid`, and its square in the resized box.
    mutating func write(
        _ grid: PixelGrid, _ geometry: CropGeometry, size: Int, colors: [ColorChange] = [],
        _ normalization: ChannelNormalization, into pixels: inout MutableSpan<Float>
    ) {
        precondition(pixels.count == size * size * 3, "\(pixels.count) elements for \(size)×\(size)×3")
        let cut = Cut(geometry, size: size)
        reserve(geometry, size: size, normalization)
        var ready = 0
        for row in 0..<size {
            var line = pixels.part(row * 3 * size..<(row + 1) * 3 * size)
            guard cut.rows.contains(row) else {
                if colors.isEmpty { constants.fillBlack(&line) } else { line.update(repeating: 0) }
                continue
            }
            let y = geometry.top + geometry.shiftY + row
            let window = alongY.window(of: y)
            ready = max(ready, window.lowerBound)
            while ready < window.upperBound {
                let start = ready % alongY.taps * rowStride
                Self.resize(
                    grid.row(ready, of: geometry.box), along: alongX, cut, by: &source,
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
        _ geometry: CropGeometry, size: Int, _ normalization: ChannelNormalization
    ) {
        alongX.prepare(from: geometry.box.width, to: geometry.width)
        alongY.prepare(from: geometry.box.height, to: geometry.height)
        constants.prepare(normalization, size: size)
        rowStride = 3 * size + 1
        source.reserve(3 * (geometry.box.width + alongX.taps) + 4)
        narrow.reserve(alongY.taps * rowStride)
        sums.reserve(rowStride)
    }

    /// Elements of a row after the pass along x, plus one that `resizeRow` overwrites past the end.
    private var rowStride = 0

    /// Overwrites `place` of `narrow` with the result's columns of `line`, resized along x.
    private static func resize(
        _ line: Span<UInt8>, along axis: borrowing ResizeAxis, _ cut: Cut, by source: inout Buffer<Int32>,
        into narrow: inout Buffer<Int32>, at place: Range<Int>
    ) {
        var rows = narrow.mutableSpan
        var target = rows.part(place)
        if axis.isIdentity {
            let part = line.extracting(3 * cut.sources.lowerBound..<3 * cut.sources.upperBound)
            if cut.step > 0 { widen(part, into: &target) } else { widenFlipped(part, into: &target) }
            return
        }
        var levels = source.mutableSpan
        widen(line, into: &levels)
        resizeRow(
            levels.span, along: axis, from: cut.first, step: cut.step, count: cut.columns.count,
            into: &target)
        if axis.canPassLimit { limitLevels(&target) }
    }

    /// Overwrites `sums` with row `y` of the resized image, computed from the rows in `window`.
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

    /// The rows and columns of the result that the image covers, and the corresponding columns of
    /// the resized box.
    private struct Cut {
        let rows: Range<Int>
        let columns: Range<Int>
        /// The column of the resized box that becomes the first column.
        let first: Int
        /// Distance from one resized column to the next: 1, or −1 if the image is flipped
        /// horizontally.
        let step: Int

        init(_ geometry: CropGeometry, size: Int) {
            precondition(
                geometry.left >= 0 && geometry.left + size <= geometry.width && geometry.top >= 0
                    && geometry.top + size <= geometry.height, "a square of \(size): \(geometry)")
            columns = Self.reached(shift: geometry.shiftX, size: size)
            rows = columns.isEmpty ? 0..<0 : Self.reached(shift: geometry.shiftY, size: size)
            let column = columns.lowerBound + geometry.shiftX
            first = geometry.left + (geometry.isFlipped ? size - 1 - column : column)
            step = geometry.isFlipped ? -1 : 1
        }

        /// The range of resized columns, in ascending order.
        var sources: Range<Int> {
            step > 0 ? first..<first + columns.count : first + 1 - columns.count..<first + 1
        }

        private static func reached(shift: Int, size: Int) -> Range<Int> {
            let low = min(max(0, -shift), size)
            return low..<max(low, min(size, size - shift))
        }
    }
}
