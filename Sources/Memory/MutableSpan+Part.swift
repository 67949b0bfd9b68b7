extension MutableSpan where Element: ~Copyable {
    /// A mutable span of the elements in `range`; this span cannot be used while that one exists.
    @inlinable @_lifetime(&self)
    package mutating func part(_ range: Range<Int>) -> MutableSpan<Element> {
        _mutatingExtracting(range)
    }
}

extension MutableSpan where Element: BitwiseCopyable {
    /// Calls `body` with the elements in `first` and those in `second`.
    ///
    /// - Precondition: The ranges do not overlap.
    package mutating func withParts<Result>(
        _ first: Range<Int>, _ second: Range<Int>,
        _ body: (inout MutableSpan<Element>, inout MutableSpan<Element>) throws -> Result
    ) rethrows -> Result {
        precondition(!first.overlaps(second), "\(first) and \(second) overlap")
        return try unsafe withUnsafeMutableBufferPointer { base in
            var first = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(rebasing: base[first]))
            var second = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(rebasing: base[second]))
            return try body(&first, &second)
        }
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
