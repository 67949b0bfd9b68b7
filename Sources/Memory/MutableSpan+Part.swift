extension MutableSpan where Element: ~Copyable {
    /// A mutable span of the elements in `range`; this span cannot be used while that one exists.
    @inlinable @_lifetime(&self)
    package mutating func part(_ range: Range<Int>) -> MutableSpan<Element> {
        _mutatingExtracting(range)
    }
}

/// Overwrites `count` elements of `target` from `offset` on with those of `source` from `start` on.
@inlinable
package func copy<Element: BitwiseCopyable>(
    _ source: Span<Element>, from start: Int, count: Int, into target: inout MutableSpan<Element>,
    at offset: Int
) {
    let part = source.extracting(start..<start + count)
    var own = target.part(offset..<offset + count)
    for i in part.indices { own[i] = part[i] }
}
