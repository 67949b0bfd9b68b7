/// One block of memory that holds buffers with different lifetimes.
@safe package final class Arena: Sendable {
    /// Alignment of buffers in bytes.
    package static let alignment = 64

    package let byteCount: Int
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer

    /// Allocates `byteCount` bytes and zeroes them, so a lack of memory shows here and not in a
    /// step.
    package init(byteCount: Int) {
        precondition(byteCount >= 0, "byteCount is \(byteCount), expected 0 or more")
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
