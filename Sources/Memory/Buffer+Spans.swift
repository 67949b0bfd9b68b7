/// Calls `body` with spans of buffers that a class holds; they live as long as the call.
///
/// A span that is taken from a class's property directly ends before a function can use it.
///
/// - Parameters:
///   - target: Grows to at least `count` elements; its contents are lost if it grows.
///   - count: Elements of the target that `body` receives; all for `nil`. A target that is also read
///     has none, since it must not grow.
package func withSpans<T: Numeric, Result>(
    into target: inout Buffer<T>, count: Int? = nil, _ body: (inout MutableSpan<T>) throws -> Result
) rethrows -> Result {
    let count = count ?? target.count
    target.reserve(count)
    var whole = target.mutableSpan
    var used = whole.part(0..<count)
    return try body(&used)
}

/// The same, with two targets.
package func withSpans<T: Numeric, U: Numeric, Result>(
    into first: inout Buffer<T>, count firstCount: Int? = nil,
    _ second: inout Buffer<U>, count secondCount: Int? = nil,
    _ body: (inout MutableSpan<T>, inout MutableSpan<U>) throws -> Result
) rethrows -> Result {
    let (firstCount, secondCount) = (firstCount ?? first.count, secondCount ?? second.count)
    first.reserve(firstCount)
    second.reserve(secondCount)
    var wholeFirst = first.mutableSpan
    var wholeSecond = second.mutableSpan
    var usedFirst = wholeFirst.part(0..<firstCount)
    var usedSecond = wholeSecond.part(0..<secondCount)
    return try body(&usedFirst, &usedSecond)
}

/// The same, with one source.
package func withSpans<A, Result>(
    _ a: borrowing Buffer<A>, _ body: (Span<A>) throws -> Result
) rethrows -> Result {
    try body(a.span)
}

/// The same, with two sources.
package func withSpans<A, B, Result>(
    _ a: borrowing Buffer<A>, _ b: borrowing Buffer<B>, _ body: (Span<A>, Span<B>) throws -> Result
) rethrows -> Result {
    try body(a.span, b.span)
}

/// The same, with one source and one target.
package func withSpans<A, T: Numeric, Result>(
    _ a: borrowing Buffer<A>, into target: inout Buffer<T>, count: Int? = nil,
    _ body: (Span<A>, inout MutableSpan<T>) throws -> Result
) rethrows -> Result {
    try withSpans(into: &target, count: count) { try body(a.span, &$0) }
}

/// The same, with one source and two targets.
package func withSpans<A, T: Numeric, U: Numeric, Result>(
    _ a: borrowing Buffer<A>, into first: inout Buffer<T>, count firstCount: Int? = nil,
    _ second: inout Buffer<U>, count secondCount: Int? = nil,
    _ body: (Span<A>, inout MutableSpan<T>, inout MutableSpan<U>) throws -> Result
) rethrows -> Result {
    try withSpans(into: &first, count: firstCount, &second, count: secondCount) {
        try body(a.span, &$0, &$1)
    }
}

/// The same, with two sources and one target.
package func withSpans<A, B, T: Numeric, Result>(
    _ a: borrowing Buffer<A>, _ b: borrowing Buffer<B>, into target: inout Buffer<T>, count: Int? = nil,
    _ body: (Span<A>, Span<B>, inout MutableSpan<T>) throws -> Result
) rethrows -> Result {
    try withSpans(into: &target, count: count) { try body(a.span, b.span, &$0) }
}

/// The same, with three sources and one target.
package func withSpans<A, B, C, T: Numeric, Result>(
    _ a: borrowing Buffer<A>, _ b: borrowing Buffer<B>, _ c: borrowing Buffer<C>,
    into target: inout Buffer<T>, count: Int? = nil,
    _ body: (Span<A>, Span<B>, Span<C>, inout MutableSpan<T>) throws -> Result
) rethrows -> Result {
    try withSpans(into: &target, count: count) { try body(a.span, b.span, c.span, &$0) }
}
