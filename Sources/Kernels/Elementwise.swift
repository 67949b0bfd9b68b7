public import Workers

/// Adds `values` to `target`, element by element.
public func accumulate(
    _ values: Span<Float>, into target: inout MutableSpan<Float>, on pool: WorkerPool
) {
    precondition(values.count >= target.count, "\(values.count) values for \(target.count) elements")
    let chunk = 16_384
    pool.split(&target, every: chunk) { item, part in
        let own = values.extracting(item * chunk..<item * chunk + part.count)
        for i in own.indices { part[i] += own[i] }
    }
}

func copy(
    _ source: Span<Float>, from start: Int, count: Int, into target: inout MutableSpan<Float>, at offset: Int
) {
    let part = source.extracting(start..<start + count)
    var own = target.part(offset..<offset + count)
    for i in part.indices { own[i] = part[i] }
}
