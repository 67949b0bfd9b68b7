extension WinogradConvolution: ResultWriter {
    /// Stores `Aᵀ m A` of each tile, without the parts outside the image.
    func write<Sink: ResultSink>(
        _ products: Span<Float>, to _: Sink.Type, items tiles: Range<Int>, columns: Range<Int>,
        _ epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        let size = productStride
        TileVectors.with(count: winogradProducts) { vectors in
            for tile in tiles {
                let place = target.place(of: tile)
                let group = epilogue.groups.group(of: place.sample)
                for channel in stride(from: 0, to: columns.count, by: vectorWidth) {
                    let start = (tile - tiles.lowerBound) * block + channel
                    for j in 0..<winogradReach {
                        @inline(__always)
                        func value(_ i: Int) -> Vector { products.vector(at: start + (6 * i + j) * size) }
                        let four = winogradOutput(
                            WinogradSix(
                                m0: value(0), m1: value(1), m2: value(2), m3: value(3), m4: value(4),
                                m5: value(5)))
                        vectors[j] = four.y0
                        vectors[6 + j] = four.y1
                        vectors[12 + j] = four.y2
                        vectors[18 + j] = four.y3
                    }
                    let k = columns.lowerBound + channel
                    let sink = Sink(epilogue, group: group, channel: k, channels: outputs)
                    var tileSums = TileSums()
                    for i in place.rows {
                        put(
                            vectors.row(i), sink, epilogue, &tileSums,
                            at: (place.pixel + i * target.width) * outputs + k, place.columns.count, &output)
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
        _ row: WinogradSix, _ sink: Sink, _ epilogue: borrowing Epilogue, _ sums: inout TileSums,
        at place: Int, _ across: Int,
        _ output: inout MutableSpan<Float>
    ) {
        let four = winogradOutput(row)
        sums.add(sink.take(four.y0, epilogue, at: place, into: &output))
        if across > 1 { sums.add(sink.take(four.y1, epilogue, at: place + outputs, into: &output)) }
        if across > 2 { sums.add(sink.take(four.y2, epilogue, at: place + 2 * outputs, into: &output)) }
        if across > 3 { sums.add(sink.take(four.y3, epilogue, at: place + 3 * outputs, into: &output)) }
    }
}
