extension WinogradConvolution {
    /// Where a tile lies in its image, and which of its six rows and columns are inside.
    struct Place {
        let sample: Int
        let top: Int, left: Int
        let rows: Range<Int>, columns: Range<Int>
    }

    @inline(__always)
    func place(of tile: Int) -> Place {
        let (sample, index) = tile.quotientAndRemainder(dividingBy: tilesPerImage)
        let (i, j) = index.quotientAndRemainder(dividingBy: tilesWide)
        let top = i * winogradTile - shape.padding
        let left = j * winogradTile - shape.padding
        return Place(
            sample: sample, top: top, left: left, rows: Self.inside(top, shape.height),
            columns: Self.inside(left, shape.width))
    }

    @inline(__always)
    private static func inside(_ start: Int, _ size: Int) -> Range<Int> {
        let lower = max(0, -start)
        return lower..<max(lower, min(winogradReach, size - start))
    }

    /// Overwrites `transformed` with `Bᵀ d B` as row tiles, shape `[36, row tiles of a strip]`.
    func transform(
        _ operand: borrowing Operand, tiles: Range<Int>, into transformed: inout MutableSpan<Float>
    ) {
        switch operand.reading {
        case .plain: transform(operand, PlainReader.self, tiles: tiles, into: &transformed)
        case .normalized: transform(operand, NormalizedReader.self, tiles: tiles, into: &transformed)
        case .combined: transform(operand, CombinedReader.self, tiles: tiles, into: &transformed)
        }
    }

    private func transform<Reader: ChannelReader>(
        _ operand: borrowing Operand, _: Reader.Type, tiles: Range<Int>,
        into transformed: inout MutableSpan<Float>
    ) {
        let size = rowTileCount(rows: strip, inner: channels)
        for tile in tiles {
            let place = place(of: tile)
            let (rowTile, row) = (tile - tiles.lowerBound).quotientAndRemainder(dividingBy: tileRows)
            for channel in stride(from: 0, to: channels, by: vectorWidth) {
                let start = rowTile * tileRows * channels + channel * tileRows + row * vectorWidth
                transformTile(
                    operand, Reader.self, place, channel: channel, into: &transformed, at: start, stride: size
                )
            }
        }
    }

    /// Stores the 36 transformed values of sixteen channels of one tile at `start + stride · product`.
    @inline(__always)
    func transformTile<Reader: ChannelReader>(
        _ operand: borrowing Operand, _: Reader.Type, _ place: Place, channel: Int,
        into transformed: inout MutableSpan<Float>, at start: Int, stride: Int
    ) {
        let reader = Reader(
            operand, group: operand.groups.group(of: place.sample), channel: channel, channels: channels)
        let corner =
            ((place.sample * shape.height + place.top) * shape.width + place.left) * channels + channel
        let line = shape.width * channels
        let isInside = place.rows.count == winogradReach && place.columns.count == winogradReach
        @inline(__always)
        func value(_ i: Int, _ j: Int) -> Vector {
            if isInside || (place.rows.contains(i) && place.columns.contains(j)) {
                return reader.vector(operand, at: corner + i * line + j * channels)
            }
            return Vector()
        }
        @inline(__always)
        func column(_ j: Int) -> WinogradSix {
            winogradInput(
                WinogradSix(
                    m0: value(0, j), m1: value(1, j), m2: value(2, j), m3: value(3, j), m4: value(4, j),
                    m5: value(5, j)))
        }
        let (c0, c1, c2, c3, c4, c5) = (column(0), column(1), column(2), column(3), column(4), column(5))
        storeSix(
            winogradInput(WinogradSix(m0: c0.m0, m1: c1.m0, m2: c2.m0, m3: c3.m0, m4: c4.m0, m5: c5.m0)),
            &transformed, start, stride)
        storeSix(
            winogradInput(WinogradSix(m0: c0.m1, m1: c1.m1, m2: c2.m1, m3: c3.m1, m4: c4.m1, m5: c5.m1)),
            &transformed, start + 6 * stride, stride)
        storeSix(
            winogradInput(WinogradSix(m0: c0.m2, m1: c1.m2, m2: c2.m2, m3: c3.m2, m4: c4.m2, m5: c5.m2)),
            &transformed, start + 12 * stride, stride)
        storeSix(
            winogradInput(WinogradSix(m0: c0.m3, m1: c1.m3, m2: c2.m3, m3: c3.m3, m4: c4.m3, m5: c5.m3)),
            &transformed, start + 18 * stride, stride)
        storeSix(
            winogradInput(WinogradSix(m0: c0.m4, m1: c1.m4, m2: c2.m4, m3: c3.m4, m4: c4.m4, m5: c5.m4)),
            &transformed, start + 24 * stride, stride)
        storeSix(
            winogradInput(WinogradSix(m0: c0.m5, m1: c1.m5, m2: c2.m5, m3: c3.m5, m4: c4.m5, m5: c5.m5)),
            &transformed, start + 30 * stride, stride)
    }
}

@inline(__always)
func storeSix(_ six: WinogradSix, _ target: inout MutableSpan<Float>, _ start: Int, _ stride: Int) {
    target.store(six.m0, at: start)
    target.store(six.m1, at: start + stride)
    target.store(six.m2, at: start + 2 * stride)
    target.store(six.m3, at: start + 3 * stride)
    target.store(six.m4, at: start + 4 * stride)
    target.store(six.m5, at: start + 5 * stride)
}
