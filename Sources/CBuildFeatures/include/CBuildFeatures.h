#pragma once
#include <stdint.h>

/// Instruction sets beyond x86-64, a bit each: those that clang may use by itself for the levels v2 to v4, and those with
/// which processors beyond v4 vectorise.
enum processor_feature {
    FEATURE_SSE42 = 1 << 0,
    FEATURE_POPCNT = 1 << 1,
    FEATURE_MOVBE = 1 << 2,
    FEATURE_LZCNT = 1 << 3,
    FEATURE_BMI = 1 << 4,
    FEATURE_BMI2 = 1 << 5,
    FEATURE_F16C = 1 << 6,
    FEATURE_FMA = 1 << 7,
    FEATURE_AVX = 1 << 8,
    FEATURE_AVX2 = 1 << 9,
    FEATURE_AVX512F = 1 << 10,
    FEATURE_AVX512CD = 1 << 11,
    FEATURE_AVX512BW = 1 << 12,
    FEATURE_AVX512DQ = 1 << 13,
    FEATURE_AVX512VL = 1 << 14,
    FEATURE_AVX512VBMI = 1 << 15,
    FEATURE_AVX512VNNI = 1 << 16,
    FEATURE_AVX512VPOPCNTDQ = 1 << 17,
    FEATURE_COUNT = 18
};

/// The features that this build was made for: a constant, so that it is there before any code has run.
extern const uint32_t build_features;
