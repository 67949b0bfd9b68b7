/// Rows rounded to int16, each with a scale of its own. They bound distances with half the memory
/// and half the time of single precision.
///
/// A row `v` becomes `q = round(32767 v / ‖v‖)`, so `v = ‖v‖ (q / 32767 + e)` with a known `‖e‖`,
/// at most `√D / 65534`. For two rows `|cos − q·q′ / 32767²| ≤ ‖e‖ + ‖e′‖ + ‖e‖ ‖e′‖`
/// (Cauchy–Schwarz). Integer sums of products are exact: `‖q‖` is hardly above 32767, so no sum of
/// pairs overflows 32 bits.
struct Int16Rows {
    /// The norm that rows are scaled to.
    static let scale: Float = 32767

    /// Pairs of elements, the first one in the lower 16 bits: shape `[count, pairs]`.
    let pairs: [Int32]
    private let pairCount: Int
    /// `‖v‖`; shape `[count]`.
    private(set) var lengths: [Float] = []
    /// `‖e‖`, rounded up; shape `[count]`.
    private(set) var errors: [Float] = []

    /// - Parameters:
    ///   - rows: Shape `[count, dimension]`.
    ///   - pairCount: Pairs per row; pairs beyond `dimension` are 0.
    ///   - squares: `‖v‖²`; a row that is too long or too short for single precision becomes zeros,
    ///     a too short one with an error of 1.
    init(_ rows: Span<Float>, dimension: Int, pairCount: Int, squares: ArraySlice<Float>) {
        var all = [Int32](repeating: 0, count: squares.count * pairCount)
        var pairs = all.mutableSpan
        for (row, square) in squares.enumerated() {
            guard square.isNormal else {
                let isZero = (row * dimension..<(row + 1) * dimension).allZero(in: rows)
                lengths.append(isZero || !square.isFinite ? 0 : Float.leastNormalMagnitude.squareRoot())
                errors.append(isZero || !square.isFinite ? 0 : 1)
                continue
            }
            let length = square.squareRoot()
            let factor = Self.scale / length
            lengths.append(length)
            var error: Float = 0
            for j in 0..<dimension {
                let scaled = rows[row * dimension + j] * factor
                let rounded = scaled.rounded()
                error += (scaled - rounded) * (scaled - rounded)
                pairs[row * pairCount + j / 2] |= Int32(
                    bitPattern: UInt32(UInt16(bitPattern: Int16(rounded))) << (16 * UInt32(j % 2)))
            }
            // Allows for rounding errors of a few units in the last place of the norm and the
            // quotient.
            errors.append(error.squareRoot() / Self.scale * 1.01 + 0x1p-20)
        }
        self.pairs = all
        self.pairCount = pairCount
    }

    /// The rows as tiles, the last one padded with zeros: shape
    /// `[⌈count / int16TileRows⌉, pairCount / 8, int16TileRows, 8]`.
    var tiles: [Int32] {
        let rows = int16TileRows
        var tiles = [Int32](repeating: 0, count: (lengths.count + rows - 1) / rows * rows * pairCount)
        for row in lengths.indices {
            let start = row / rows * rows * pairCount + row % rows * 8
            for pair in 0..<pairCount {
                tiles[start + pair / 8 * rows * 8 + pair % 8] = pairs[row * pairCount + pair]
            }
        }
        return tiles
    }
}

extension Range<Int> {
    /// Whether all of `values` in this range are 0.
    fileprivate func allZero(in values: Span<Float>) -> Bool {
        for place in self where values[place] != 0 { return false }
        return true
    }
}

/// Largest error of the cosine of two int16 rows with these errors.
func cosineError(_ first: Float, _ second: Float) -> Float { first + second + first * second }
