/// Storage for `count` elements, aligned to 64 bytes, with one owner: memory of its own or a place
/// in an `Arena`.
///
/// Kernels access it as a `Span` or a `MutableSpan`. Memory of its own is freed with the buffer.
///
/// `@unchecked Sendable`: the buffer cannot be copied, so it moves between threads as a whole.
@safe package struct Buffer<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutableBufferPointer<Element>
    /// The arena that holds the memory; `nil` if the buffer owns its memory.
    private let arena: Arena?
    /// Number of elements that fit into the memory.
    private let capacity: Int

    /// The number of elements.
    package var count: Int { unsafe base.count }

    /// Allocates `count` elements, each set to `value`.
    package init(count: Int, repeating value: Element) {
        precondition(count >= 0, "count is \(count), expected 0 or more")
        let memory = unsafe allocatePages(byteCount: count * MemoryLayout<Element>.stride)
        let elements = unsafe memory.initializeMemory(as: Element.self, repeating: value, count: count)
        unsafe base = unsafe UnsafeMutableBufferPointer(start: elements, count: count)
        arena = nil
        capacity = count
    }

    /// `count` elements at `offset` bytes of `arena`, with the contents that are there.
    ///
    /// Unsafe: buffers of one arena may overlap, and then their spans alias. The caller guarantees
    /// that overlapping buffers are never used at the same time; a plan of lifetimes does so.
    @unsafe package init(in arena: Arena, at offset: Int, count: Int) {
        unsafe base = arena.elements(at: offset, count: count)
        self.arena = arena
        capacity = count
    }

    /// Allocates a copy of `elements`.
    package init(_ elements: some Collection<Element>, default value: Element) {
        self.init(count: elements.count, repeating: value)
        var own = mutableSpan
        for (i, element) in elements.enumerated() { own[i] = element }
    }

    deinit {
        if arena == nil { unsafe base.deallocate() }
    }

    /// A view of the elements for reading.
    package var span: Span<Element> {
        @_lifetime(borrow self) get {
            unsafe _overrideLifetime(Span(_unsafeElements: UnsafeBufferPointer(base)), borrowing: self)
        }
    }

    /// A view of the elements for writing.
    package var mutableSpan: MutableSpan<Element> {
        @_lifetime(&self) mutating get {
            unsafe _overrideLifetime(MutableSpan(_unsafeElements: base), mutating: &self)
        }
    }
}

extension Buffer where Element: Numeric {
    /// Allocates `count` zeros.
    package init(zeros count: Int) { self.init(count: count, repeating: 0) }

    /// Grows the buffer to at least `count` elements; the contents are lost if it grows.
    ///
    /// - Precondition: A place in an arena is large enough; it does not grow.
    package mutating func reserve(_ count: Int) {
        guard self.count < count else { return }
        precondition(arena == nil, "\(count) elements do not fit into a place in an arena for \(self.count)")
        self = Buffer(zeros: count)
    }

    /// Sets the number of elements to `count` and reuses the memory if it is large enough; the
    /// contents are lost.
    package mutating func resize(to count: Int) {
        guard count > capacity else {
            unsafe base = UnsafeMutableBufferPointer(start: base.baseAddress, count: count)
            return
        }
        precondition(arena == nil, "\(count) elements do not fit into a place in an arena for \(capacity)")
        self = Buffer(zeros: count)
    }
}

extension Buffer {
    /// The elements as an array.
    package func copyToArray() -> [Element] {
        let span = span
        return unsafe [Element](unsafeUninitializedCapacity: count) { target, initialized in
            for i in span.indices { unsafe target.initializeElement(at: i, to: span[i]) }
            initialized = span.count
        }
    }
}
