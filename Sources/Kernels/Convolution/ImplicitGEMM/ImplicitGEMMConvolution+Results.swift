extension ImplicitGEMMConvolution: ResultWriter {
    /// Stores the products of `rows`, shape `[rows, own]`.
    func store(
        _ products: Span<Float>, rows: Range<Int>, columns own: Range<Int>, _ epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        guard target.channels.isMultiple(of: vectorWidth) else {
            storeElements(products, rows: rows, columns: own, epilogue, into: &output)
            return
        }
        self.finish(products, items: rows, columns: own, epilogue, into: &output, sums: &sums)
    }

    func write<Sink: ResultSink>(
        _ products: Span<Float>, to _: Sink.Type, items rows: Range<Int>, columns channelRange: Range<Int>,
        _ epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        let channels = target.channels
        var start = rows.lowerBound
        while start < rows.upperBound {
            let first = row(start)
            let end = min(rows.upperBound, (first.sample + 1) * positions)
            let group = epilogue.groups.group(of: first.sample)
            // A few rows at a time, so that memory is written nearly in order.
            for low in stride(from: start, to: end, by: Self.resultRows) {
                let count = min(Self.resultRows, end - low)
                let places = places(of: low)
                for k in stride(from: channelRange.lowerBound, to: channelRange.upperBound, by: vectorWidth) {
                    let sink = Sink(epilogue, group: group, channel: k, channels: channels)
                    var rowSums = TileSums()
                    for i in 0..<count {
                        let value = products.vector(
                            at: (low + i - rows.lowerBound) * channelRange.count + k - channelRange.lowerBound
                        )
                        rowSums.add(sink.take(value, epilogue, at: places[i] + k, into: &output))
                    }
                    if Sink.hasSums {
                        rowSums.add(to: &sums, sample: first.sample, channel: k, channels: channels)
                    }
                }
            }
            start = end
        }
    }

    /// Rows whose results are summed in single precision and stored together.
    private static var resultRows: Int { 8 }

    /// Indices of the first elements of the target pixels of `resultRows` rows from `index` on.
    private func places(of index: Int) -> InlineArray<8, Int> {
        var row = row(index)
        let image = row.sample * target.height
        return InlineArray<8, Int> { _ in
            let y = row.p * targetStep + targetOffset.y
            let x = row.q * targetStep + targetOffset.x
            row.q += 1
            if row.q == grid.width { row = Row(sample: row.sample, p: row.p + 1, q: 0) }
            return ((image + y) * target.width + x) * target.channels
        }
    }

    private func storeElements(
        _ products: Span<Float>, rows: Range<Int>, columns own: Range<Int>, _ epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>
    ) {
        precondition(
            epilogue.kind == .store,
            "\(target.channels) channels, expected a multiple of \(vectorWidth) for this epilogue")
        let channels = target.channels
        for index in rows {
            let row = row(index)
            let y = row.p * targetStep + targetOffset.y
            let x = row.q * targetStep + targetOffset.x
            let place = ((row.sample * target.height + y) * target.width + x) * channels
            for k in own.lowerBound..<min(own.upperBound, channels) {
                output[place + k] = products[(index - rows.lowerBound) * own.count + k - own.lowerBound]
            }
        }
    }
}
