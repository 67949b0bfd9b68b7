internal import Glibc

/// Memory aligned to 64 bytes; large pieces to 2 MiB, in huge pages where the system gives them. Freed with `deallocate()`.
///
/// A convolution walks over more pages of 4 KiB than a processor keeps the addresses of. A page is there once it is written.
public func allocatePages(byteCount: Int) -> UnsafeMutableRawPointer {
    let (line, hugePage) = (64, 2 << 20)
    let isLarge = byteCount >= hugePage
    let memory = UnsafeMutableRawPointer.allocate(
        byteCount: max(byteCount, line), alignment: isLarge ? hugePage : line)
    // A refusal costs speed alone.
    if isLarge { _ = unsafe madvise(memory, byteCount, Int32(MADV_HUGEPAGE)) }
    return unsafe memory
}
