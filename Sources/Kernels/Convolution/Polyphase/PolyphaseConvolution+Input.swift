extension PolyphaseConvolution {
    /// Overwrites `transformed` with the transformed tiles as row tiles, shape
    /// `[81, row tiles of a strip]`.
    func transform(
        _ prologue: borrowing Prologue, tiles: Range<Int>, into transformed: inout MutableSpan<Float>
    ) {
        switch prologue.reading {
        case .plain: transform(prologue, PlainReader.self, tiles: tiles, into: &transformed)
        case .normalized: transform(prologue, NormalizedReader.self, tiles: tiles, into: &transformed)
        case .combined: transform(prologue, CombinedReader.self, tiles: tiles, into: &transformed)
        }
    }

    private func transform<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, tiles: Range<Int>,
        into transformed: inout MutableSpan<Float>
    ) {
        let size = transformedStride
        TileVectors.with(count: polyphaseProducts) { vectors in
            for tile in tiles {
                let place = source.place(of: tile)
                let (rowTile, row) = (tile - tiles.lowerBound).quotientAndRemainder(dividingBy: tileRows)
                for channel in stride(from: 0, to: channels, by: vectorWidth) {
                    let places = PolyphasePlaces(
                        start: rowTile * tileRows * channels + channel * tileRows + row * vectorWidth,
                        stride: size, memberStride: size, panel: 0)
                    switch pass {
                    case .forward:
                        transformInput(
                            prologue, Reader.self, place, channel: channel, vectors, into: &transformed,
                            places)
                    case .inputGradient:
                        transformGradient(
                            prologue, Reader.self, place, channel: channel, vectors, into: &transformed,
                            places)
                    }
                }
            }
        }
    }

    /// Stores the 81 transformed values of sixteen channels of a 9×9 tile of the input.
    @inline(__always)
    func transformInput<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ place: TileGrid.Place, channel: Int,
        _ vectors: TileVectors, into transformed: inout MutableSpan<Float>, _ places: PolyphasePlaces
    ) {
        let reader = Reader(
            prologue, group: prologue.groups.group(of: place.sample), channel: channel, channels: channels)
        let corner = place.pixel * channels + channel
        let line = source.width * channels
        let hasAllRows = place.rows.count == source.reach
        // Transforms columns, then rows. The tile is stored transposed, so that both steps write
        // adjacent results.
        for j in 0..<9 {
            let top = corner + j * channels
            guard place.columns.contains(j) else {
                vectors.setRow(j, PolyphaseNine.zero)
                continue
            }
            // Each branch stores its own row: a row selected between two branches would be split
            // into single floats.
            if hasAllRows {
                vectors.setRow(j, phases { reader.vector(prologue, at: top + $0 * line) })
            } else {
                vectors.setRow(
                    j,
                    phases {
                        place.rows.contains($0) ? reader.vector(prologue, at: top + $0 * line) : Vector()
                    })
            }
            for i in 0..<9 { reader.prefetch(prologue, at: top + i * line + place.next * channels) }
        }
        for i in 0..<9 { places.storeRow(i, phases { vectors[9 * $0 + i] }, into: &transformed) }
    }

    /// `Bᵀ` of the values of even index, followed by the values of odd index.
    @inline(__always)
    private func phases(_ value: (Int) -> Vector) -> PolyphaseNine {
        PolyphaseNine(
            outer: polyphaseInput(
                PolyphaseFive(m0: value(0), m1: value(2), m2: value(4), m3: value(6), m4: value(8))),
            middle: WinogradFour(y0: value(1), y1: value(3), y2: value(5), y3: value(7)))
    }

    /// Stores the 81 transformed values of sixteen channels of a 5×5 tile of the output's gradient.
    @inline(__always)
    private func transformGradient<Reader: ChannelReader>(
        _ prologue: borrowing Prologue, _: Reader.Type, _ place: TileGrid.Place, channel: Int,
        _ vectors: TileVectors, into transformed: inout MutableSpan<Float>, _ places: PolyphasePlaces
    ) {
        let reader = Reader(
            prologue, group: prologue.groups.group(of: place.sample), channel: channel, channels: channels)
        let corner = place.pixel * channels + channel
        let line = source.width * channels
        for j in 0..<5 {
            let top = corner + j * channels
            @inline(__always)
            func value(_ i: Int) -> Vector {
                place.rows.contains(i) ? reader.vector(prologue, at: top + i * line) : Vector()
            }
            guard place.columns.contains(j) else {
                vectors.setRow(j, PolyphaseNine.zero)
                continue
            }
            vectors.setRow(
                j,
                copies(
                    PolyphaseFive(m0: value(0), m1: value(1), m2: value(2), m3: value(3), m4: value(4))))
            if j > 0 {
                for i in 0..<5 { reader.prefetch(prologue, at: top + i * line + place.next * channels) }
            }
        }
        for i in 0..<9 {
            let five = PolyphaseFive(
                m0: vectors[i], m1: vectors[9 + i], m2: vectors[18 + i], m3: vectors[27 + i],
                m4: vectors[36 + i])
            places.storeRow(i, copies(five), into: &transformed)
        }
    }

    /// `Bᵀ` of five values, followed by the four of them that the middle weight multiplies.
    @inline(__always)
    private func copies(_ d: PolyphaseFive) -> PolyphaseNine {
        PolyphaseNine(
            outer: polyphaseInput(d),
            middle: beginsOutside
                ? WinogradFour(y0: d.m1, y1: d.m2, y2: d.m3, y3: d.m4)
                : WinogradFour(y0: d.m0, y1: d.m1, y2: d.m2, y3: d.m3))
    }
}
