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

/// Prefetches the cache line at `address`, which need not be mapped.
static inline void prefetchLine(const void *address) { __builtin_prefetch(address, 0, 3); }

/// Sixteen floats.
typedef float SixteenFloats __attribute__((ext_vector_type(16)));

/// Stores `values` at `address`, a multiple of 64, with a non-temporal store, which bypasses the
/// caches.
static inline void storePastCaches(SixteenFloats values, void *address) {
    __builtin_nontemporal_store(values, (SixteenFloats *)address);
}

/// Sixteen floats whose lower 16 bits are 0, by their upper bits.
typedef uint16_t SixteenUpperHalves __attribute__((ext_vector_type(16)));
typedef uint32_t SixteenBits __attribute__((ext_vector_type(16)));

/// Returns the floats with these upper bits.
static inline SixteenFloats floatsOfUpperHalves(SixteenUpperHalves upper) {
    return (SixteenFloats)(__builtin_convertvector(upper, SixteenBits) << 16);
}

/// Returns the upper bits of each element.
static inline SixteenUpperHalves upperHalvesOf(SixteenBits bits) {
    return __builtin_convertvector(bits >> 16, SixteenUpperHalves);
}

/// Sixteen integers.
typedef int32_t SixteenInts __attribute__((ext_vector_type(16)));

/// Returns `sums` plus two products for each element: that of the lower and that of the higher 16
/// bits of `left` and `right`.
static inline SixteenInts addPairProducts(SixteenInts sums, SixteenInts left, SixteenInts right) {
#if defined(__AVX512VNNI__)
    // As a builtin, clang splits half of them into `vpmaddwd` and `vpaddd`, to shorten the chain.
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(left), "v"(right));
    return sums;
#elif defined(__AVX2__)
    typedef short SixteenShorts __attribute__((vector_size(32)));
    typedef int EightInts __attribute__((ext_vector_type(8)));
    sums.lo += (EightInts)__builtin_ia32_pmaddwd256((SixteenShorts)left.lo, (SixteenShorts)right.lo);
    sums.hi += (EightInts)__builtin_ia32_pmaddwd256((SixteenShorts)left.hi, (SixteenShorts)right.hi);
    return sums;
#else
    // The halves of `right` are computed once for the six rows of a tile, which leaves two NEON
    // multiply-adds for four elements.
    return sums + (left << 16 >> 16) * (right << 16 >> 16) + (left >> 16) * (right >> 16);
#endif
}

/// Converts each integer to the nearest float.
static inline SixteenFloats floatsOf(SixteenInts values) { return __builtin_convertvector(values, SixteenFloats); }

/// Makes non-temporal stores visible to other threads before this thread's later stores.
static inline void finishStoresPastCaches(void) {
#if defined(__x86_64__)
    __builtin_ia32_sfence();
#elif defined(__aarch64__)
    __builtin_arm_dmb(0xA);  // ISHST: stores, among all cores.
#endif
}

/// Hints to the processor that this thread spins until another thread is done.
static inline void spinPause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __builtin_arm_isb(0xF);  // `yield` is a no-op on server cores; `isb` takes some cycles, like x86-64's `pause`.
#endif
}

/// Writes the set of processors that the calling thread may run on to the beginning of `mask`.
///
/// This is the plain system call: glibc declares its function only with `_GNU_SOURCE`, and for
/// masks of 1,024 bits. Returns −1, with EINVAL in `errno`, if the kernel's mask is longer than
/// `byteCount`.
static inline long readAffinity(size_t byteCount, void *mask) {
    return syscall(SYS_sched_getaffinity, 0, byteCount, mask);
}

/// Makes `free` return blocks of `byteCount` bytes and more to the system.
static inline void returnFreedMemory(int byteCount) { (void)mallopt(M_MMAP_THRESHOLD, byteCount); }

/// Whether this build may use a CRC-32C instruction: x86-64 has it from level v2 on, ARM from
/// armv8.1-a on.
#if (defined(__SSE4_2__) && defined(__x86_64__)) || (defined(__ARM_FEATURE_CRC32) && defined(__aarch64__))
#define BUILD_HAS_CRC32 1
#else
#define BUILD_HAS_CRC32 0
#endif

/// The CRC-32C register after the eight bytes of `word`; valid only if `BUILD_HAS_CRC32` is 1.
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
