extension TapConvolution: ResultWriter {
    /// Stores the products of `rows`.
    func store(
        _ products: Span<Float>, rows: Range<Int>, _ epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>, sums: inout MutableSpan<Double>
    ) {
        guard target.channels.isMultiple(of: vectorWidth) else {
            storeElements(products, rows: rows, epilogue, into: &output)
            return
        }
        self.finish(
            products, items: rows, columns: 0..<target.channels, epilogue, into: &output, sums: &sums)
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
            for k in stride(from: channelRange.lowerBound, to: channelRange.upperBound, by: vectorWidth) {
                let sink = Sink(epilogue, group: group, channel: k, channels: channels)
                var values = SIMD16<Double>()
                var products64 = SIMD16<Double>()
                var (p, q) = (first.p, first.q)
                for index in start..<end {
                    let value = products.vector(at: (index - rows.lowerBound) * columns + k)
                    let y = p * targetStep + targetOffset.y
                    let x = q * targetStep + targetOffset.x
                    let place = ((first.sample * target.height + y) * target.width + x) * channels + k
                    let taken = sink.take(value, epilogue, at: place, into: &output)
                    if Sink.hasSums {
                        let wide = SIMD16<Double>(taken.value)
                        values += wide
                        products64 = products64.addingProduct(wide, SIMD16<Double>(taken.factor))
                    }
                    q += 1
                    if q == grid.width {
                        q = 0
                        p += 1
                    }
                }
                if Sink.hasSums {
                    sums.accumulate(values, at: 2 * first.sample * channels + k)
                    sums.accumulate(products64, at: (2 * first.sample + 1) * channels + k)
                }
            }
            start = end
        }
    }

    private func storeElements(
        _ products: Span<Float>, rows: Range<Int>, _ epilogue: borrowing Epilogue,
        into output: inout MutableSpan<Float>
    ) {
        precondition(
            epilogue.kind == .store, "sums of \(target.channels) channels, no multiple of \(vectorWidth)")
        let channels = target.channels
        for index in rows {
            let row = row(index)
            let y = row.p * targetStep + targetOffset.y
            let x = row.q * targetStep + targetOffset.x
            let place = ((row.sample * target.height + y) * target.width + x) * channels
            for k in 0..<channels {
                output[place + k] = products[(index - rows.lowerBound) * columns + k]
            }
        }
    }
}
