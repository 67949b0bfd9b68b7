/// The tiles of a batch's images: squares of `reach` pixels, which may overlap and lie partly outside.
struct TileGrid: Sendable {
    /// Size of an image.
    let height: Int, width: Int
    /// Tiles of an image along each axis.
    let high: TileAxis, wide: TileAxis
    /// Pixels from one of an axis's positions to the next.
    var scale = 1
    let reach: Int
    /// Row and column of the first tile's corner.
    let origin: Int

    /// The position of a tile, and the ranges of its rows and columns inside the image.
    struct Place {
        let sample: Int
        /// Index of the pixel at the tile's corner, counted over the batch; valid only together
        /// with rows and columns inside the image.
        let pixel: Int
        let rows: Range<Int>, columns: Range<Int>
        /// How many positions the tile has fewer than four along each axis.
        let shortRows: Int, shortColumns: Int
        /// Pixels from this tile's corner to that of the next one, for prefetching.
        let next: Int
    }

    var tilesPerImage: Int { high.count * wide.count }

    @inline(__always)
    func place(of tile: Int) -> Place {
        let (sample, index) = tile.quotientAndRemainder(dividingBy: tilesPerImage)
        let (i, j) = index.quotientAndRemainder(dividingBy: wide.count)
        let top = origin + scale * high.start(of: i)
        let left = origin + scale * wide.start(of: j)
        return Place(
            sample: sample, pixel: (sample * height + top) * width + left, rows: inside(top, height),
            columns: inside(left, width), shortRows: high.shortening(of: i),
            shortColumns: wide.shortening(of: j),
            next: j + 1 < wide.count
                ? origin + scale * wide.start(of: j + 1) - left
                : i + 1 < high.count
                    ? (origin + scale * high.start(of: i + 1) - top) * width + origin - left
                    : (height - top + origin) * width + origin - left)
    }

    @inline(__always)
    private func inside(_ start: Int, _ size: Int) -> Range<Int> {
        let lower = max(0, -start)
        return lower..<max(lower, min(reach, size - start))
    }
}
