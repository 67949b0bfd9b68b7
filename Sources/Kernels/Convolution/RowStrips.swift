/// Splits the rows of a batch's images, one per position, into strips that stay in the cache:
/// several whole images, or parts of one.
///
/// Sums of results and of gradients are computed strip by strip. So strips are the same on every
/// processor, and those of an image do not depend on the images before it.
struct RowStrips: Sequence, IteratorProtocol {
    /// Largest number of rows in a strip.
    static let rows = 112

    private let positions: Int
    private let end: Int
    private var position: Int

    /// - Parameters:
    ///   - samples: The images.
    ///   - positions: Rows per image.
    init(samples: Range<Int>, positions: Int) {
        self.positions = positions
        position = samples.lowerBound * positions
        end = samples.upperBound * positions
    }

    mutating func next() -> Range<Int>? {
        guard position < end else { return nil }
        let start = position
        if positions <= Self.rows {
            position = Swift.min(start + Self.rows / positions * positions, end)
        } else {
            position = Swift.min(start + Self.rows, (start / positions + 1) * positions)
        }
        return start..<position
    }
}
