#pragma once

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Whether this build may use AVX-512.
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
#define BUILD_HAS_AVX512 1
#else
#define BUILD_HAS_AVX512 0
#endif

/// Asks for the cache line at `address`, which need not be there.
static inline void prefetchLine(const void *address) { __builtin_prefetch(address, 0, 3); }

/// Sixteen floats.
typedef float SixteenFloats __attribute__((ext_vector_type(16)));

/// Stores `values` at `address`, a multiple of 64, past the caches.
static inline void storePastCaches(SixteenFloats values, void *address) {
    __builtin_nontemporal_store(values, (SixteenFloats *)address);
}

/// Sixteen integers.
typedef int32_t SixteenInts __attribute__((ext_vector_type(16)));

/// `sums` and, of each place, two products: those of the lower and of the higher 16 bits of `left` and `right`.
static inline SixteenInts addPairProducts(SixteenInts sums, SixteenInts left, SixteenInts right) {
#if defined(__AVX512VNNI__)
    return __builtin_ia32_vpdpwssd512(sums, left, right);
#elif defined(__AVX2__)
    typedef short SixteenShorts __attribute__((vector_size(32)));
    typedef int EightInts __attribute__((ext_vector_type(8)));
    sums.lo += (EightInts)__builtin_ia32_pmaddwd256((SixteenShorts)left.lo, (SixteenShorts)right.lo);
    sums.hi += (EightInts)__builtin_ia32_pmaddwd256((SixteenShorts)left.hi, (SixteenShorts)right.hi);
    return sums;
#else
    // Of six rows of a tile the parts of `right` are made once: of NEON two multiply-adds are left for four places.
    return sums + (left << 16 >> 16) * (right << 16 >> 16) + (left >> 16) * (right >> 16);
#endif
}

/// The nearest floats.
static inline SixteenFloats floatsOf(SixteenInts values) { return __builtin_convertvector(values, SixteenFloats); }

/// Stores past the caches are seen by other threads before what this thread stores next.
static inline void finishStoresPastCaches(void) {
#if defined(__x86_64__)
    __builtin_ia32_sfence();
#elif defined(__aarch64__)
    __builtin_arm_dmb(0xA);  // ISHST: stores, among all cores.
#endif
}

/// Tells the processor that this thread waits for another.
static inline void spinPause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __builtin_arm_isb(0xF);  // `yield` is a no-op on the cores of servers; this takes some cycles, as x86-64's pause.
#endif
}

/// Fills in the beginning of `mask` with the processors that the calling thread may run on.
///
/// The system call itself: glibc declares its function with `_GNU_SOURCE` only, and for masks of 1,024 bits. Returns −1, and EINVAL in
/// `errno`, where the kernel's mask is longer than `byteCount`.
static inline long readAffinity(size_t byteCount, void *mask) {
    return syscall(SYS_sched_getaffinity, 0, byteCount, mask);
}

/// Makes freed pieces of `byteCount` and more go back to the system.
static inline void returnFreedMemory(int byteCount) { (void)mallopt(M_MMAP_THRESHOLD, byteCount); }

/// Whether this build may use an instruction for CRC-32C: x86-64 has it from level v2 on, ARM from armv8.1-a on.
#if (defined(__SSE4_2__) && defined(__x86_64__)) || (defined(__ARM_FEATURE_CRC32) && defined(__aarch64__))
#define BUILD_HAS_CRC32 1
#else
#define BUILD_HAS_CRC32 0
#endif

/// The register of a CRC-32C after the eight bytes of `word`; only where `BUILD_HAS_CRC32` is 1.
static inline uint64_t crc32cWord(uint64_t crc, uint64_t word) {
#if BUILD_HAS_CRC32 && defined(__x86_64__)
    return __builtin_ia32_crc32di(crc, word);
#elif BUILD_HAS_CRC32
    return __builtin_arm_crc32cd((uint32_t)crc, word);
#else
    (void)word;
    return crc;
#endif
}
