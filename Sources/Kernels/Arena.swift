internal import Workers

/// One piece of memory that buffers with different lifetimes are laid out in.
@safe public final class Arena: Sendable {
    /// Bytes to which the places of buffers are aligned.
    public static let alignment = 64

    public let byteCount: Int
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer

    /// Allocates `byteCount` bytes of zeros: a lack of memory shows here, not in a step.
    public init(byteCount: Int) {
        precondition(byteCount >= 0, "an arena of \(byteCount) bytes")
        self.byteCount = byteCount
        unsafe base = allocatePages(byteCount: byteCount)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    deinit { unsafe base.deallocate() }

    /// `count` elements at `offset` bytes.
    func elements<Element: BitwiseCopyable>(at offset: Int, count: Int) -> UnsafeMutableBufferPointer<Element>
    {
        precondition(
            offset >= 0 && offset.isMultiple(of: Self.alignment)
                && offset + count * MemoryLayout<Element>.stride <= byteCount,
            "\(count) elements at \(offset) of an arena of \(byteCount) bytes")
        return unsafe UnsafeMutableBufferPointer(
            start: (base + offset).bindMemory(to: Element.self, capacity: count), count: count)
    }
}
