internal import Glibc

/// Zeroed memory, aligned to 64 bytes; large pieces to 2 MiB, in huge pages where the system gives them.
///
/// A convolution walks over more pages of 4 KiB than a processor keeps the addresses of. Every page is touched at once: a lack
/// of memory shows here. Freed with `deallocate()`.
public func allocateZeroedMemory(byteCount: Int) -> UnsafeMutableRawPointer {
    let (line, hugePage) = (64, 2 << 20)
    let isLarge = byteCount >= hugePage
    let memory = UnsafeMutableRawPointer.allocate(
        byteCount: max(byteCount, line), alignment: isLarge ? hugePage : line)
    // A refusal costs speed alone.
    if isLarge { _ = unsafe madvise(memory, byteCount, Int32(MADV_HUGEPAGE)) }
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return unsafe memory
}
