#pragma once
#include <stdint.h>

/// Instruction sets beyond baseline x86-64 that a compiler may use: those of the levels v2 to v4,
/// and all that a `native` build may add, whether clang uses them by itself or only on demand.
///
/// System instructions, hints and AMX are not listed: nothing in the package uses them, and a build
/// must not be refused because a virtual machine hides them.
///
/// Each line has the feature's name, the macro that clang defines if it may use the feature, the
/// `cpuid` register and the bit that report it (Intel's manual, volume 2, CPUID; AMD's, volume 3,
/// appendix E), the register state that the operating system must save for it, and the lowest level
/// of the x86-64 psABI that includes it, 5 for none. The message of a refused start names features
/// in this order.
#define PROCESSOR_FEATURES(FEATURE)                                                              \
    FEATURE(SSE3, "sse3", __SSE3__, LEAF1_ECX, 0, NO_STATE, 2)                                   \
    FEATURE(SSSE3, "ssse3", __SSSE3__, LEAF1_ECX, 9, NO_STATE, 2)                                \
    FEATURE(SSE41, "sse4.1", __SSE4_1__, LEAF1_ECX, 19, NO_STATE, 2)                             \
    FEATURE(SSE42, "sse4.2", __SSE4_2__, LEAF1_ECX, 20, NO_STATE, 2)                             \
    FEATURE(POPCNT, "popcnt", __POPCNT__, LEAF1_ECX, 23, NO_STATE, 2)                            \
    FEATURE(CX16, "cx16", __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16, LEAF1_ECX, 13, NO_STATE, 2)       \
    FEATURE(LAHF, "lahf", __LAHF_SAHF__, EXTENDED1_ECX, 0, NO_STATE, 2)                          \
    FEATURE(AVX, "avx", __AVX__, LEAF1_ECX, 28, AVX_STATE, 3)                                    \
    FEATURE(AVX2, "avx2", __AVX2__, LEAF7_EBX, 5, AVX_STATE, 3)                                  \
    FEATURE(FMA, "fma", __FMA__, LEAF1_ECX, 12, AVX_STATE, 3)                                    \
    FEATURE(F16C, "f16c", __F16C__, LEAF1_ECX, 29, AVX_STATE, 3)                                 \
    FEATURE(BMI, "bmi1", __BMI__, LEAF7_EBX, 3, NO_STATE, 3)                                     \
    FEATURE(BMI2, "bmi2", __BMI2__, LEAF7_EBX, 8, NO_STATE, 3)                                   \
    FEATURE(LZCNT, "lzcnt", __LZCNT__, EXTENDED1_ECX, 5, NO_STATE, 3)                            \
    FEATURE(MOVBE, "movbe", __MOVBE__, LEAF1_ECX, 22, NO_STATE, 3)                               \
    FEATURE(AVX512F, "avx512f", __AVX512F__, LEAF7_EBX, 16, AVX512_STATE, 4)                     \
    FEATURE(AVX512CD, "avx512cd", __AVX512CD__, LEAF7_EBX, 28, AVX512_STATE, 4)                  \
    FEATURE(AVX512BW, "avx512bw", __AVX512BW__, LEAF7_EBX, 30, AVX512_STATE, 4)                  \
    FEATURE(AVX512DQ, "avx512dq", __AVX512DQ__, LEAF7_EBX, 17, AVX512_STATE, 4)                  \
    FEATURE(AVX512VL, "avx512vl", __AVX512VL__, LEAF7_EBX, 31, AVX512_STATE, 4)                  \
    FEATURE(AVX512IFMA, "avx512ifma", __AVX512IFMA__, LEAF7_EBX, 21, AVX512_STATE, 5)            \
    FEATURE(AVX512VBMI, "avx512vbmi", __AVX512VBMI__, LEAF7_ECX, 1, AVX512_STATE, 5)            \
    FEATURE(AVX512VBMI2, "avx512_vbmi2", __AVX512VBMI2__, LEAF7_ECX, 6, AVX512_STATE, 5)         \
    FEATURE(AVX512VNNI, "avx512_vnni", __AVX512VNNI__, LEAF7_ECX, 11, AVX512_STATE, 5)           \
    FEATURE(AVX512BITALG, "avx512_bitalg", __AVX512BITALG__, LEAF7_ECX, 12, AVX512_STATE, 5)     \
    FEATURE(AVX512VPOPCNTDQ, "avx512_vpopcntdq", __AVX512VPOPCNTDQ__, LEAF7_ECX, 14, AVX512_STATE, 5) \
    FEATURE(AVX512VP2INTERSECT, "avx512_vp2intersect", __AVX512VP2INTERSECT__, LEAF7_EDX, 8, AVX512_STATE, 5) \
    FEATURE(AVX512BF16, "avx512_bf16", __AVX512BF16__, LEAF7_1_EAX, 5, AVX512_STATE, 5)          \
    FEATURE(AVX512FP16, "avx512_fp16", __AVX512FP16__, LEAF7_EDX, 23, AVX512_STATE, 5)           \
    FEATURE(AVX10_1, "avx10.1", __AVX10_1__, AVX10_VERSIONS, 1, AVX512_STATE, 5)                 \
    FEATURE(AVX10_2, "avx10.2", __AVX10_2__, AVX10_VERSIONS, 2, AVX512_STATE, 5)                 \
    FEATURE(APX, "apx", __EGPR__, LEAF7_1_EDX, 21, APX_STATE, 5)                                 \
    FEATURE(AVXVNNI, "avx_vnni", __AVXVNNI__, LEAF7_1_EAX, 4, AVX_STATE, 5)                      \
    FEATURE(AVXVNNIINT8, "avx_vnni_int8", __AVXVNNIINT8__, LEAF7_1_EDX, 4, AVX_STATE, 5)         \
    FEATURE(AVXVNNIINT16, "avx_vnni_int16", __AVXVNNIINT16__, LEAF7_1_EDX, 10, AVX_STATE, 5)     \
    FEATURE(AVXNECONVERT, "avx_ne_convert", __AVXNECONVERT__, LEAF7_1_EDX, 5, AVX_STATE, 5)      \
    FEATURE(AVXIFMA, "avx_ifma", __AVXIFMA__, LEAF7_1_EAX, 23, AVX_STATE, 5)                     \
    FEATURE(GFNI, "gfni", __GFNI__, LEAF7_ECX, 8, NO_STATE, 5)                                   \
    FEATURE(VAES, "vaes", __VAES__, LEAF7_ECX, 9, AVX_STATE, 5)                                  \
    FEATURE(VPCLMULQDQ, "vpclmulqdq", __VPCLMULQDQ__, LEAF7_ECX, 10, AVX_STATE, 5)               \
    FEATURE(AES, "aes", __AES__, LEAF1_ECX, 25, NO_STATE, 5)                                     \
    FEATURE(PCLMUL, "pclmulqdq", __PCLMUL__, LEAF1_ECX, 1, NO_STATE, 5)                          \
    FEATURE(SHA, "sha_ni", __SHA__, LEAF7_EBX, 29, NO_STATE, 5)                                     \
    FEATURE(SHA512, "sha512", __SHA512__, LEAF7_1_EAX, 0, AVX_STATE, 5)                          \
    FEATURE(SM3, "sm3", __SM3__, LEAF7_1_EAX, 1, AVX_STATE, 5)                                   \
    FEATURE(SM4, "sm4", __SM4__, LEAF7_1_EAX, 2, AVX_STATE, 5)                                   \
    FEATURE(ADX, "adx", __ADX__, LEAF7_EBX, 19, NO_STATE, 5)                                     \
    FEATURE(CMPCCXADD, "cmpccxadd", __CMPCCXADD__, LEAF7_1_EAX, 7, NO_STATE, 5)                  \
    FEATURE(SSE4A, "sse4a", __SSE4A__, EXTENDED1_ECX, 6, NO_STATE, 5)                            \
    FEATURE(XOP, "xop", __XOP__, EXTENDED1_ECX, 11, AVX_STATE, 5)                                \
    FEATURE(FMA4, "fma4", __FMA4__, EXTENDED1_ECX, 16, AVX_STATE, 5)                             \
    FEATURE(TBM, "tbm", __TBM__, EXTENDED1_ECX, 21, NO_STATE, 5)

/// The number of each feature, which is its bit in a set of features.
enum processor_feature {
#define FEATURE(identifier, name, macro, source, bit, state, level) FEATURE_##identifier,
    PROCESSOR_FEATURES(FEATURE)
#undef FEATURE
    FEATURE_COUNT
};

/// The features that this build was made for, 0 on architectures other than x86-64.
///
/// It is a constant, so that it is valid before any code runs.
extern const uint64_t build_features;

/// The names and levels of the table's features, by number.
extern const char *const build_feature_names[FEATURE_COUNT];
extern const int build_feature_levels[FEATURE_COUNT];

static inline const char *build_feature_name(int feature) { return build_feature_names[feature]; }
static inline int build_feature_level(int feature) { return build_feature_levels[feature]; }
