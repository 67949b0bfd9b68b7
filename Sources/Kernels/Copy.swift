internal import Workers

/// Overwrites `count` elements of `target` from `offset` on with those of `source` from `start` on.
func copy(
    _ source: Span<Float>, from start: Int, count: Int, into target: inout MutableSpan<Float>, at offset: Int
) {
    let part = source.extracting(start..<start + count)
    var own = target.part(offset..<offset + count)
    for i in part.indices { own[i] = part[i] }
}
