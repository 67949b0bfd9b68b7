internal import Glibc

/// Allocates memory aligned to 64 bytes; large blocks are aligned to 2 MiB and use huge pages if
/// the system provides them. Free it with `deallocate()`.
///
/// A convolution touches more 4 KiB pages than the TLB holds. A page is backed by memory once it is
/// written.
package func allocatePages(byteCount: Int) -> UnsafeMutableRawPointer {
    let (line, hugePage) = (64, 2 << 20)
    let isLarge = byteCount >= hugePage
    let memory = UnsafeMutableRawPointer.allocate(
        byteCount: max(byteCount, line), alignment: isLarge ? hugePage : line)
    // If the system refuses, only speed suffers.
    if isLarge { _ = unsafe madvise(memory, byteCount, Int32(MADV_HUGEPAGE)) }
    return unsafe memory
}
