internal import Workers

/// Memory for `count` elements, aligned to 64 bytes, with one owner; or a place in an `Arena`.
///
/// Kernels see it as a `Span` or a `MutableSpan`; memory of its own it frees when its owner goes.
///
/// `@unchecked Sendable`: the buffer cannot be copied, so it moves from thread to thread whole.
@safe public struct Buffer<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutableBufferPointer<Element>
    /// Where the memory lies, if it is not the buffer's own.
    private let arena: Arena?
    /// Elements that the memory has room for.
    private let capacity: Int

    /// The number of elements.
    public var count: Int { unsafe base.count }

    /// Allocates `count` elements, each set to `value`.
    public init(count: Int, repeating value: Element) {
        precondition(count >= 0, "a buffer of \(count) elements")
        let memory = unsafe allocatePages(byteCount: count * MemoryLayout<Element>.stride)
        let elements = unsafe memory.initializeMemory(as: Element.self, repeating: value, count: count)
        unsafe base = unsafe UnsafeMutableBufferPointer(start: elements, count: count)
        arena = nil
        capacity = count
    }

    /// `count` elements at `offset` bytes of `arena`, with whatever is there.
    ///
    /// Buffers of one arena may overlap: what one of them holds is lost when another is written.
    public init(in arena: Arena, at offset: Int, count: Int) {
        unsafe base = arena.elements(at: offset, count: count)
        self.arena = arena
        capacity = count
    }

    /// Allocates a copy of `elements`.
    public init(_ elements: some Collection<Element>, default value: Element) {
        self.init(count: elements.count, repeating: value)
        var own = mutableSpan
        for (i, element) in elements.enumerated() { own[i] = element }
    }

    deinit {
        if arena == nil { unsafe base.deallocate() }
    }

    /// The elements, to read.
    public var span: Span<Element> {
        @_lifetime(borrow self) get {
            unsafe _overrideLifetime(Span(_unsafeElements: UnsafeBufferPointer(base)), borrowing: self)
        }
    }

    /// The elements, to change.
    public var mutableSpan: MutableSpan<Element> {
        @_lifetime(&self) mutating get {
            unsafe _overrideLifetime(MutableSpan(_unsafeElements: base), mutating: &self)
        }
    }
}

extension Buffer where Element: Numeric {
    /// Allocates `count` zeros.
    public init(zeros count: Int) { self.init(count: count, repeating: 0) }

    /// Makes room for `count` elements; what was there is lost if the buffer was smaller.
    ///
    /// - Precondition: A place in an arena has room enough: what a plan left out is an error.
    public mutating func reserve(_ count: Int) {
        guard self.count < count else { return }
        precondition(arena == nil, "\(count) elements in a place planned for \(self.count)")
        self = Buffer(zeros: count)
    }

    /// Makes `count` the number of elements, in the memory that is there if it has room; what was in them is lost.
    public mutating func resize(to count: Int) {
        guard count > capacity else {
            unsafe base = UnsafeMutableBufferPointer(start: base.baseAddress, count: count)
            return
        }
        precondition(arena == nil, "\(count) elements in a place planned for \(capacity)")
        self = Buffer(zeros: count)
    }
}

extension Buffer {
    /// The elements as an array.
    public func copyToArray() -> [Element] {
        let span = span
        return unsafe [Element](unsafeUninitializedCapacity: count) { target, initialized in
            for i in span.indices { unsafe target.initializeElement(at: i, to: span[i]) }
            initialized = span.count
        }
    }
}
