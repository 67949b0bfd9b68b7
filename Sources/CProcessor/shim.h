#pragma once

#include <malloc.h>

/// Whether this build may use AVX-512.
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
#define BUILD_HAS_AVX512 1
#else
#define BUILD_HAS_AVX512 0
#endif

/// Asks for the cache line at `address`, which need not be there.
static inline void prefetchLine(const void *address) { __builtin_prefetch(address, 0, 3); }

/// Tells the processor that this thread waits for another.
static inline void spinPause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/// Makes freed pieces of `byteCount` and more go back to the system.
static inline void returnFreedMemory(int byteCount) { (void)mallopt(M_MMAP_THRESHOLD, byteCount); }
