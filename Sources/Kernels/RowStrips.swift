/// The rows of a batch's images, one a position, in strips that stay in the cache: some whole images, or parts of one.
///
/// Sums of results and of gradients go strip by strip, so strips are the same on every processor, and an image's do not depend
/// on the images before it.
struct RowStrips: Sequence, IteratorProtocol {
    /// Rows of a strip, at most.
    static let rows = 112

    private let positions: Int
    private let end: Int
    private var position: Int

    /// - Parameters:
    ///   - samples: The images.
    ///   - positions: Rows of an image.
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
