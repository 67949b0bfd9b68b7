internal import Workers

/// Sums over the results of a tile, in single precision.
struct TileSums {
    var values = Vector()
    var products = Vector()

    @inline(__always)
    mutating func add(_ taken: (value: Vector, factor: Vector)) {
        values += taken.value
        products = products.addingProduct(taken.value, taken.factor)
    }
}

extension WinogradConvolution {
    func finish(
        _ products: Span<Float>, tiles: Range<Int>, columns: Range<Int>, _ epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        switch (epilogue.kind, epilogue.addend.isEmpty) {
        case (.moments, _):
            finish(
                products, MomentsSink.self, tiles: tiles, columns: columns, epilogue, into: &output,
                sums: &sums)
        case (.store, true):
            finish(
                products, StoringSink<NothingAdded>.self, tiles: tiles, columns: columns, epilogue,
                into: &output, sums: &sums)
        case (.store, false):
            finish(
                products, StoringSink<AddendAdded>.self, tiles: tiles, columns: columns, epilogue,
                into: &output, sums: &sums)
        case (.normalize, true):
            finish(
                products, NormalizingSink<NothingAdded>.self, tiles: tiles, columns: columns, epilogue,
                into: &output, sums: &sums)
        case (.normalize, false):
            finish(
                products, NormalizingSink<AddendAdded>.self, tiles: tiles, columns: columns, epilogue,
                into: &output, sums: &sums)
        case (.maskByNormalized, true):
            finish(
                products, NormalizedMaskSink<NothingAdded>.self, tiles: tiles, columns: columns, epilogue,
                into: &output, sums: &sums)
        case (.maskByNormalized, false):
            finish(
                products, NormalizedMaskSink<AddendAdded>.self, tiles: tiles, columns: columns, epilogue,
                into: &output, sums: &sums)
        case (.maskByRectified, true):
            finish(
                products, RectifiedMaskSink<NothingAdded>.self, tiles: tiles, columns: columns, epilogue,
                into: &output, sums: &sums)
        case (.maskByRectified, false):
            finish(
                products, RectifiedMaskSink<AddendAdded>.self, tiles: tiles, columns: columns, epilogue,
                into: &output, sums: &sums)
        }
    }

    /// Stores `Aᵀ m A` of each tile, the parts outside the image left out.
    private func finish<Sink: ResultSink>(
        _ products: Span<Float>, _: Sink.Type, tiles: Range<Int>, columns: Range<Int>,
        _ epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        let size = productStride
        let (height, width) = (shape.outputHeight, shape.outputWidth)
        TileVectors.with(count: winogradProducts) { vectors in
            for tile in tiles {
                let (sample, index) = tile.quotientAndRemainder(dividingBy: tilesPerImage)
                let (i, j) = index.quotientAndRemainder(dividingBy: tilesWide)
                let rows = min(winogradTile, height - i * winogradTile)
                let across = min(winogradTile, width - j * winogradTile)
                let pixel = (sample * height + i * winogradTile) * width + j * winogradTile
                let group = epilogue.groups.group(of: sample)
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
                    for i in 0..<rows {
                        put(
                            vectors.row(i), sink, epilogue, &tileSums, at: (pixel + i * width) * outputs + k,
                            across, &output)
                    }
                    if Sink.hasSums {
                        sums.accumulate(SIMD16<Double>(tileSums.values), at: 2 * sample * outputs + k)
                        sums.accumulate(SIMD16<Double>(tileSums.products), at: (2 * sample + 1) * outputs + k)
                    }
                }
            }
        }
    }

    /// Hands the first `across` of a row's four outputs on.
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
