extension WorkerPool {
    /// Splits `rows` into parts of `count` elements (the last one may be shorter) and distributes
    /// the parts over the workers.
    ///
    /// - Parameter body: Receives the part's index and the part, which no other worker touches.
    package func split<Element: Sendable>(
        _ rows: inout MutableSpan<Element>, every count: Int,
        _ body: @Sendable (_ index: Int, _ part: inout MutableSpan<Element>) -> Void
    ) {
        split(&rows, every: count, scratch: 0) { index, part, _ in body(index, &part) }
    }

    /// Same as `split(_:every:_:)`, with `floats` floats of the worker's own scratch
    /// memory.
    package func split<Element: Sendable>(
        _ rows: inout MutableSpan<Element>, every count: Int, scratch floats: Int,
        _ body:
            @Sendable (
                _ index: Int, _ part: inout MutableSpan<Element>, _ scratch: inout MutableSpan<Float>
            ) -> Void
    ) {
        unsafe rows.withUnsafeMutableBufferPointer { base in
            let parts = unsafe Parts(base: base, partCount: count)
            forEach(parts.count, scratch: floats) { index, scratch in
                var part = parts[index]
                body(index, &part, &scratch)
            }
        }
    }

    /// Splits `first` and `second` into the same number of parts and distributes the pairs of parts
    /// over the workers.
    ///
    /// - Precondition: Both give the same number of parts.
    package func split<First: Sendable, Second: Sendable>(
        _ first: inout MutableSpan<First>, every firstCount: Int,
        _ second: inout MutableSpan<Second>, every secondCount: Int,
        _ body:
            @Sendable (
                _ index: Int, _ first: inout MutableSpan<First>, _ second: inout MutableSpan<Second>
            ) -> Void
    ) {
        split(&first, every: firstCount, &second, every: secondCount, scratch: 0) { index, first, second, _ in
            body(index, &first, &second)
        }
    }

    /// Same as above, with `floats` floats of the worker's own scratch memory.
    package func split<First: Sendable, Second: Sendable>(
        _ first: inout MutableSpan<First>, every firstCount: Int,
        _ second: inout MutableSpan<Second>, every secondCount: Int, scratch floats: Int,
        _ body:
            @Sendable (
                _ index: Int, _ first: inout MutableSpan<First>, _ second: inout MutableSpan<Second>,
                _ scratch: inout MutableSpan<Float>
            ) -> Void
    ) {
        unsafe first.withUnsafeMutableBufferPointer { firstBase in
            unsafe second.withUnsafeMutableBufferPointer { secondBase in
                let firsts = unsafe Parts(base: firstBase, partCount: firstCount)
                let seconds = unsafe Parts(base: secondBase, partCount: secondCount)
                precondition(
                    firsts.count == seconds.count,
                    "\(firsts.count) parts of the first span, \(seconds.count) of the second")
                forEach(firsts.count, scratch: floats) { index, scratch in
                    var first = firsts[index]
                    var second = seconds[index]
                    body(index, &first, &second, &scratch)
                }
            }
        }
    }

    /// Runs `items` items. Each receives all of `first` and `second`, and writes elements that no
    /// other item touches.
    ///
    /// For results that are not contiguous; `split` is safe. Unsafe: the caller guarantees that no
    /// element is written by one item and accessed by another.
    ///
    /// - Parameter floats: Floats of the worker's own scratch memory.
    @unsafe package func share<First: Sendable, Second: Sendable>(
        _ first: inout MutableSpan<First>, _ second: inout MutableSpan<Second>, items: Int,
        scratch floats: Int,
        _ body:
            @Sendable (
                _ item: Int, _ first: inout MutableSpan<First>, _ second: inout MutableSpan<Second>,
                _ scratch: inout MutableSpan<Float>
            ) -> Void
    ) {
        var none = MutableSpan<Second>()
        unsafe share(&first, &second, &none, items: items, scratch: floats) {
            item, first, second, _, scratch in
            body(item, &first, &second, &scratch)
        }
    }

    /// Same as above, with a third span.
    @unsafe package func share<First: Sendable, Second: Sendable, Third: Sendable>(
        _ first: inout MutableSpan<First>, _ second: inout MutableSpan<Second>,
        _ third: inout MutableSpan<Third>, items: Int, scratch floats: Int,
        _ body:
            @Sendable (
                _ item: Int, _ first: inout MutableSpan<First>, _ second: inout MutableSpan<Second>,
                _ third: inout MutableSpan<Third>, _ scratch: inout MutableSpan<Float>
            ) -> Void
    ) {
        unsafe first.withUnsafeMutableBufferPointer { firstBase in
            unsafe second.withUnsafeMutableBufferPointer { secondBase in
                unsafe third.withUnsafeMutableBufferPointer { thirdBase in
                    let firsts = unsafe Parts(base: firstBase, partCount: max(firstBase.count, 1))
                    let seconds = unsafe Parts(base: secondBase, partCount: max(secondBase.count, 1))
                    let thirds = unsafe Parts(base: thirdBase, partCount: max(thirdBase.count, 1))
                    forEach(items, scratch: floats) { item, scratch in
                        var first = firsts[0]
                        var second = seconds[0]
                        var third = thirds[0]
                        body(item, &first, &second, &third, &scratch)
                    }
                }
            }
        }
    }
}

/// A mutable span split into parts that different workers may write at the same time.
///
/// `@unchecked Sendable`: the parts do not overlap, and each index is used by one worker only.
@safe private struct Parts<Element>: @unchecked Sendable {
    private let base: UnsafeMutableBufferPointer<Element>
    private let partCount: Int

    init(base: UnsafeMutableBufferPointer<Element>, partCount: Int) {
        precondition(partCount >= 1, "part size is \(partCount), expected 1 or more")
        unsafe self.base = unsafe base
        self.partCount = partCount
    }

    var count: Int { unsafe (base.count + partCount - 1) / partCount }

    subscript(index: Int) -> MutableSpan<Element> {
        @_lifetime(borrow self) get {
            let start = index * partCount
            let end = unsafe min(start + partCount, base.count)
            let part = unsafe UnsafeMutableBufferPointer(rebasing: base[start..<end])
            return unsafe _overrideLifetime(MutableSpan(_unsafeElements: part), borrowing: self)
        }
    }
}
