#pragma once

/// Whether this build may use AVX-512.
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
#define BUILD_HAS_AVX512 1
#else
#define BUILD_HAS_AVX512 0
#endif
