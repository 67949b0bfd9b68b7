/// A rectangle of an image: rows and columns.
package struct ImageBox: Equatable, Sendable {
    package var rows: Range<Int>
    package var columns: Range<Int>

    package init(rows: Range<Int>, columns: Range<Int>) {
        self.rows = rows
        self.columns = columns
    }

    /// Number of pixels.
    package var area: Int { rows.count * columns.count }
}

/// Overwrites `mixed` with `share · image + (1 − share) · partner`.
///
/// - Parameters:
///   - image: Any shape.
///   - partner: Shape of `image`.
///   - share: Weight of `image`, from 0 to 1.
///   - mixed: Shape of `image`.
package func blendImages(
    _ image: Span<Float>, _ partner: Span<Float>, share: Float, into mixed: inout MutableSpan<Float>
) {
    precondition(
        image.count == mixed.count && partner.count == mixed.count,
        "\(image.count) and \(partner.count) elements into \(mixed.count)")
    let rest = 1 - share
    for i in mixed.indices { mixed[i] = share * image[i] + rest * partner[i] }
}

/// Overwrites `mixed` with `image`, and its pixels in `box` with those of `partner`.
///
/// - Parameters:
///   - image: Shape `[H, W, C]`.
///   - partner: Shape `[H, W, C]`.
///   - width: W.
///   - channels: C.
///   - mixed: Shape `[H, W, C]`.
package func pasteBox(
    _ image: Span<Float>, _ partner: Span<Float>, box: ImageBox, width: Int, channels: Int,
    into mixed: inout MutableSpan<Float>
) {
    precondition(
        image.count == mixed.count && partner.count == mixed.count,
        "\(image.count) and \(partner.count) elements into \(mixed.count)")
    for i in mixed.indices { mixed[i] = image[i] }
    for row in box.rows {
        for i in (row * width + box.columns.lowerBound) * channels..<(row * width + box.columns.upperBound)
            * channels
        {
            mixed[i] = partner[i]
        }
    }
}
