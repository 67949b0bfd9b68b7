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
            for (index, tile) in tiles.enumerated() {
                let place = source.place(of: tile)
                let (rowTile, row) = index.quotientAndRemainder(dividingBy: tileRows)
                let start = rowTile * tileRows * channels + row * vectorWidth
                for channel in stride(from: 0, to: channels, by: vectorWidth) {
                    transformTile(
                        prologue, Reader.self, place, channel: channel, vectors, into: &scratch,
                        at: usesIntegers ? tilePlace + channel : start + channel * tileRows,
                        stride: usesIntegers ? tileStride : transformedStride)
                }
                guard usesIntegers else { continue }
                for product in 0..<winogradProducts {
                    packIntegerRow(
                        &scratch, from: tilePlace + product * tileStride, step: vectorWidth,
                        chunks: channels / vectorWidth, to: start + product * transformedStride,
                        step: tileRows * vectorWidth, scaleAt: scalePlace + product * strip + index)
                }
            }
        }
    }

    /// Stores the 36 transformed values of sixteen channels of one tile at
    /// `start + stride · product`.
    @inline(__always)
    func transformTile<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ place: TileGrid.Place, channel: Int,
        _ vectors: TileVectors,
        into transformed: inout MutableSpan<Float>, at start: Int, stride: Int
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
            vectors.setRow(j, winogradInput(six))
            // Prefetches what the next tile reads beside this one.
            if j >= winogradReach - winogradTile {
                for i in 0..<winogradReach {
                    reader.prefetch(prologue, at: top + i * line + place.next * channels)
                }
            }
        }
        for i in 0..<winogradReach {
            storeSix(winogradInput(vectors.column(i)), &transformed, start + 6 * i * stride, stride)
        }
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
