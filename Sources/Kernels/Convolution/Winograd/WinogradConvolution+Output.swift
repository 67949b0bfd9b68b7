extension WinogradConvolution: ResultWriter {
    /// Stores `Aᵀ m A` of each tile, without the parts outside the image.
    func write<Sink: ResultSink>(
        _ products: Span<Float>, to _: Sink.Type, items tiles: Range<Int>, columns: Range<Int>,
        _ epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        let size = productStride
        TileVectors.with(count: winogradProducts) { vectors in
            var rows = WinogradRows()
            for tile in tiles {
                let place = target.place(of: tile)
                let starts = WinogradStarts(rows: 0, rows, width: block)
                rows.append(place)
                let group = epilogue.groups.group(of: place.sample)
                for channel in stride(from: 0, to: columns.count, by: vectorWidth) {
                    for j in 0..<winogradReach {
                        let (first, third, fourth) = starts.column(j)
                        @inline(__always)
                        func value(_ start: Int, _ i: Int) -> Vector {
                            products.vector(at: start + channel + (6 * i + j) * size)
                        }
                        let four = winogradOutput(
                            WinogradSix(
                                m0: value(first, 0), m1: value(first, 1), m2: value(first, 2),
                                m3: value(third, 3), m4: value(fourth, 4), m5: value(first, 5)),
                            shortening: place.shortRows)
                        vectors[j] = four.y0
                        vectors[6 + j] = four.y1
                        vectors[12 + j] = four.y2
                        vectors[18 + j] = four.y3
                    }
                    let k = columns.lowerBound + channel
                    let sink = Sink(epilogue, group: group, channel: k, channels: outputs)
                    var tileSums = TileSums()
                    for i in 0..<min(place.rows.count, winogradTile - place.shortRows) {
                        put(
                            winogradOutput(vectors.row(i), shortening: place.shortColumns), sink, epilogue,
                            &tileSums, at: (place.pixel + i * target.width) * outputs + k,
                            min(place.columns.count, winogradTile - place.shortColumns), &output)
                    }
                    if Sink.hasSums {
                        tileSums.add(to: &sums, sample: place.sample, channel: k, channels: outputs)
                    }
                }
            }
        }
    }

    /// Passes the first `across` of a row's four outputs to the sink.
    @inline(__always)
    private func put<Sink: ResultSink>(
        _ four: WinogradFour, _ sink: Sink, _ epilogue: borrowing Epilogue, _ sums: inout TileSums,
        at place: Int, _ across: Int,
        _ output: inout MutableSpan<Float>
    ) {
        sums.add(sink.take(four.y0, epilogue, at: place, into: &output))
        if across > 1 { sums.add(sink.take(four.y1, epilogue, at: place + outputs, into: &output)) }
        if across > 2 { sums.add(sink.take(four.y2, epilogue, at: place + 2 * outputs, into: &output)) }
        if across > 3 { sums.add(sink.take(four.y3, epilogue, at: place + 3 * outputs, into: &output)) }
    }
}
