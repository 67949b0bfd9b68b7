/// A rectangle of an image: rows and columns.
public struct ImageBox: Equatable, Sendable {
    public var rows: Range<Int>
    public var columns: Range<Int>

    public init(rows: Range<Int>, columns: Range<Int>) {
        self.rows = rows
        self.columns = columns
    }

    /// Number of pixels.
    public var area: Int { rows.count * columns.count }
}

/// Overwrites `mixed` with `share · image + (1 − share) · partner`.
///
/// - Parameters:
///   - image: Any shape.
///   - partner: Shape of `image`.
///   - share: Weight of `image`, from 0 to 1.
///   - mixed: Shape of `image`.
public func blendImages(
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
public func pasteBox(
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
