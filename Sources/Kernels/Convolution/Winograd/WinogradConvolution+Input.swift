extension WinogradConvolution {
    /// Overwrites `scratch` with `Bᵀ d B` as row tiles, shape `[36, row tiles of a strip]`, for integers
    /// with their scales.
    func transform(
        _ prologue: borrowing Prologue, tiles: Range<Int>, into scratch: inout MutableSpan<Float>
    ) {
        switch prologue.reading {
        case .plain: transform(prologue, PlainReader.self, tiles: tiles, into: &scratch)
        case .normalized: transform(prologue, NormalizedReader.self, tiles: tiles, into: &scratch)
        case .combined: transform(prologue, CombinedReader.self, tiles: tiles, into: &scratch)
        }
    }

    private func transform<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, tiles: Range<Int>,
        into scratch: inout MutableSpan<Float>
    ) {
        TileVectors.with(count: winogradProducts) { vectors in
            var rows = WinogradRows()
            for tile in tiles {
                let place = source.place(of: tile)
                let starts =
                    usesIntegers
                    ? WinogradStarts(tilePlace) : WinogradStarts(tiles: 0, rows, inner: channels)
                for channel in stride(from: 0, to: channels, by: vectorWidth) {
                    transformTile(
                        prologue, Reader.self, place, channel: channel, vectors, into: &scratch,
                        at: starts, plus: usesIntegers ? channel : channel * tileRows,
                        stride: usesIntegers ? tileStride : transformedStride)
                }
                if usesIntegers { pack(place, after: rows, &scratch) }
                rows.append(place)
            }
        }
    }

    /// Stores a tile's values as integers in its rows.
    private func pack(
        _ place: TileGrid.Place, after rows: WinogradRows, _ scratch: inout MutableSpan<Float>
    ) {
        for product in 0..<winogradProducts where WinogradRows.has(place, product) {
            let row = rows.count(product)
            packIntegerRow(
                &scratch, from: tilePlace + product * tileStride, step: vectorWidth,
                chunks: channels / vectorWidth,
                to: product * transformedStride + rowTilePlace(row: row, inner: channels),
                step: tileRows * vectorWidth, scaleAt: scalePlace + product * strip + row)
        }
    }

    /// Stores the 36 transformed values of sixteen channels of one tile, each `offset + stride · product`
    /// behind its start.
    @inline(__always)
    func transformTile<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ place: TileGrid.Place, channel: Int,
        _ vectors: TileVectors,
        into transformed: inout MutableSpan<Float>, at starts: WinogradStarts, plus offset: Int,
        stride: Int
    ) {
        let reader = Reader(
            prologue, group: prologue.groups.group(of: place.sample), channel: channel, channels: channels)
        let corner = place.pixel * channels + channel
        let line = source.width * channels
        let hasAllRows = place.rows.count == source.reach
        // Transforms columns, then rows. The tile is stored transposed, so that both steps write
        // adjacent results.
        for j in 0..<winogradReach {
            let top = corner + j * channels
            @inline(__always)
            func value(_ i: Int) -> Vector { reader.vector(prologue, at: top + i * line) }
            @inline(__always)
            func valueInside(_ i: Int) -> Vector { place.rows.contains(i) ? value(i) : Vector() }
            guard place.columns.contains(j) else {
                vectors.setRow(j, WinogradSix.zero)
                continue
            }
            let six =
                hasAllRows
                ? WinogradSix(
                    m0: value(0), m1: value(1), m2: value(2), m3: value(3), m4: value(4), m5: value(5))
                : WinogradSix(
                    m0: valueInside(0), m1: valueInside(1), m2: valueInside(2), m3: valueInside(3),
                    m4: valueInside(4), m5: valueInside(5))
            vectors.setRow(j, winogradInput(six, shortening: place.shortRows))
            // Prefetches what the next tile reads beside this one.
            if j >= winogradReach - winogradTile {
                for i in 0..<winogradReach {
                    reader.prefetch(prologue, at: top + i * line + place.next * channels)
                }
            }
        }
        for i in 0..<winogradReach {
            storeSix(
                winogradInput(vectors.column(i), shortening: place.shortColumns), &transformed, starts.row(i),
                offset + 6 * i * stride, stride)
        }
    }
}

/// Stores a row of a transformed tile.
///
/// - Parameters:
///   - starts: By class of points along the columns.
///   - offset: Offset of the row's first product.
@inline(__always)
func storeSix(
    _ six: WinogradSix, _ target: inout MutableSpan<Float>, _ starts: (Int, Int, Int), _ offset: Int,
    _ stride: Int
) {
    // What a shorter tile lacks is overwritten by the next tile that has it, or not read.
    target.store(six.m0, at: starts.0 + offset)
    target.store(six.m1, at: starts.0 + offset + stride)
    target.store(six.m2, at: starts.0 + offset + 2 * stride)
    target.store(six.m3, at: starts.1 + offset + 3 * stride)
    target.store(six.m4, at: starts.2 + offset + 4 * stride)
    target.store(six.m5, at: starts.0 + offset + 5 * stride)
}
