/// Memory for `count` elements, aligned to 64 bytes, with one owner.
///
/// Kernels see it as a `Span` or a `MutableSpan`; it frees itself when its owner goes.
///
/// `@unchecked Sendable`: the buffer cannot be copied, so it moves from thread to thread whole.
@safe public struct Buffer<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutableBufferPointer<Element>

    /// The number of elements.
    public var count: Int { unsafe base.count }

    /// Allocates `count` elements, each set to `value`.
    public init(count: Int, repeating value: Element) {
        precondition(count >= 0, "a buffer of \(count) elements")
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(count, 1) * MemoryLayout<Element>.stride, alignment: 64)
        let elements = unsafe memory.initializeMemory(as: Element.self, repeating: value, count: count)
        unsafe base = unsafe UnsafeMutableBufferPointer(start: elements, count: count)
    }

    /// Allocates a copy of `elements`.
    public init(_ elements: some Collection<Element>, default value: Element) {
        self.init(count: elements.count, repeating: value)
        var own = mutableSpan
        for (i, element) in elements.enumerated() { own[i] = element }
    }

    deinit { unsafe base.deallocate() }

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
    public mutating func reserve(_ count: Int) {
        if self.count < count { self = Buffer(zeros: count) }
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
