extension PolyphaseConvolution: ResultWriter {
    /// Stores the transformed products of each tile, without the parts outside the image.
    func write<Sink: ResultSink>(
        _ products: Span<Float>, to _: Sink.Type, items tiles: Range<Int>, columns: Range<Int>,
        _ epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        let size = productStride
        TileVectors.with(count: polyphaseProducts) { vectors in
            for tile in tiles {
                let place = target.place(of: tile)
                let group = epilogue.groups.group(of: place.sample)
                for channel in stride(from: 0, to: columns.count, by: vectorWidth) {
                    let start = (tile - tiles.lowerBound) * block + channel
                    for j in 0..<9 {
                        // Slot of the column's row 5, and the step to the slot of its next row.
                        let (middle, step) = j < 5 ? (45 + 4 * j, 1) : (60 + j, 4)
                        let nine = read(
                            products, at: start + j * size, 9 * size, start + middle * size, step * size)
                        let outer = polyphaseOutput(nine.outer)
                        switch pass {
                        case .forward: setColumn(j, vectors, sum(outer, nine.middle))
                        case .inputGradient:
                            setColumn(j, vectors, beginsOutside ? outer : nine.middle)
                            setColumn(36 + j, vectors, beginsOutside ? nine.middle : outer)
                        }
                    }
                    let k = columns.lowerBound + channel
                    let sink = Sink(epilogue, group: group, channel: k, channels: outputs)
                    var tileSums = TileSums()
                    for i in place.rows {
                        let index = (place.pixel + i * target.width) * outputs + k
                        switch pass {
                        case .forward:
                            put(
                                row(i, vectors), sink, epilogue, &tileSums, at: index, place.columns.count,
                                &output)
                        case .inputGradient:
                            putGradient(
                                row(4 * (i % 2) + i / 2, vectors), sink, epilogue, &tileSums, at: index,
                                place.columns.count, &output)
                        }
                    }
                    if Sink.hasSums {
                        tileSums.add(to: &sums, sample: place.sample, channel: k, channels: outputs)
                    }
                }
            }
        }
    }

    @inline(__always)
    private func sum(_ left: WinogradFour, _ right: WinogradFour) -> WinogradFour {
        WinogradFour(
            y0: left.y0 + right.y0, y1: left.y1 + right.y1, y2: left.y2 + right.y2, y3: left.y3 + right.y3)
    }

    /// Reads a column of nine products: five from `outer` on, four from `middle` on.
    @inline(__always)
    private func read(
        _ products: Span<Float>, at outer: Int, _ outerStride: Int, _ middle: Int, _ middleStride: Int
    ) -> PolyphaseNine {
        PolyphaseNine(
            outer: PolyphaseFive(
                m0: products.vector(at: outer), m1: products.vector(at: outer + outerStride),
                m2: products.vector(at: outer + 2 * outerStride),
                m3: products.vector(at: outer + 3 * outerStride),
                m4: products.vector(at: outer + 4 * outerStride)),
            middle: WinogradFour(
                y0: products.vector(at: middle), y1: products.vector(at: middle + middleStride),
                y2: products.vector(at: middle + 2 * middleStride),
                y3: products.vector(at: middle + 3 * middleStride)))
    }

    /// Overwrites the first four rows of column `j`; rows have nine columns.
    @inline(__always)
    private func setColumn(_ j: Int, _ vectors: TileVectors, _ four: WinogradFour) {
        vectors[j] = four.y0
        vectors[9 + j] = four.y1
        vectors[18 + j] = four.y2
        vectors[27 + j] = four.y3
    }

    @inline(__always)
    private func row(_ i: Int, _ vectors: TileVectors) -> PolyphaseNine {
        PolyphaseNine(
            outer: PolyphaseFive(
                m0: vectors[9 * i], m1: vectors[9 * i + 1], m2: vectors[9 * i + 2], m3: vectors[9 * i + 3],
                m4: vectors[9 * i + 4]),
            middle: WinogradFour(
                y0: vectors[9 * i + 5], y1: vectors[9 * i + 6], y2: vectors[9 * i + 7],
                y3: vectors[9 * i + 8]))
    }

    /// Passes the first `across` of a row's four outputs to the sink.
    @inline(__always)
    private func put<Sink: ResultSink>(
        _ row: PolyphaseNine, _ sink: Sink, _ epilogue: borrowing Epilogue, _ sums: inout TileSums,
        at place: Int, _ across: Int, _ output: inout MutableSpan<Float>
    ) {
        let four = sum(polyphaseOutput(row.outer), row.middle)
        sums.add(sink.take(four.y0, epilogue, at: place, into: &output))
        if across > 1 { sums.add(sink.take(four.y1, epilogue, at: place + outputs, into: &output)) }
        if across > 2 { sums.add(sink.take(four.y2, epilogue, at: place + 2 * outputs, into: &output)) }
        if across > 3 { sums.add(sink.take(four.y3, epilogue, at: place + 3 * outputs, into: &output)) }
    }

    /// Passes the first `across` of a row's eight outputs to the sink.
    @inline(__always)
    private func putGradient<Sink: ResultSink>(
        _ row: PolyphaseNine, _ sink: Sink, _ epilogue: borrowing Epilogue, _ sums: inout TileSums,
        at place: Int, _ across: Int, _ output: inout MutableSpan<Float>
    ) {
        let outer = polyphaseOutput(row.outer)
        let (even, odd) = beginsOutside ? (outer, row.middle) : (row.middle, outer)
        sums.add(sink.take(even.y0, epilogue, at: place, into: &output))
        if across > 1 { sums.add(sink.take(odd.y0, epilogue, at: place + outputs, into: &output)) }
        if across > 2 { sums.add(sink.take(even.y1, epilogue, at: place + 2 * outputs, into: &output)) }
        if across > 3 { sums.add(sink.take(odd.y1, epilogue, at: place + 3 * outputs, into: &output)) }
        if across > 4 { sums.add(sink.take(even.y2, epilogue, at: place + 4 * outputs, into: &output)) }
        if across > 5 { sums.add(sink.take(odd.y2, epilogue, at: place + 5 * outputs, into: &output)) }
        if across > 6 { sums.add(sink.take(even.y3, epilogue, at: place + 6 * outputs, into: &output)) }
        if across > 7 { sums.add(sink.take(odd.y3, epilogue, at: place + 7 * outputs, into: &output)) }
    }
}
