// Compiled with the package's -march, unlike CProcessorCheck; so this file must hold no code.
#include "CBuildFeatures.h"

const uint32_t build_features = 0
#ifdef __SSE4_2__
    | FEATURE_SSE42
#endif
#ifdef __POPCNT__
    | FEATURE_POPCNT
#endif
#ifdef __MOVBE__
    | FEATURE_MOVBE
#endif
#ifdef __LZCNT__
    | FEATURE_LZCNT
#endif
#ifdef __BMI__
    | FEATURE_BMI
#endif
#ifdef __BMI2__
    | FEATURE_BMI2
#endif
#ifdef __F16C__
    | FEATURE_F16C
#endif
#ifdef __FMA__
    | FEATURE_FMA
#endif
#ifdef __AVX__
    | FEATURE_AVX
#endif
#ifdef __AVX2__
    | FEATURE_AVX2
#endif
#ifdef __AVX512F__
    | FEATURE_AVX512F
#endif
#ifdef __AVX512CD__
    | FEATURE_AVX512CD
#endif
#ifdef __AVX512BW__
    | FEATURE_AVX512BW
#endif
#ifdef __AVX512DQ__
    | FEATURE_AVX512DQ
#endif
#ifdef __AVX512VL__
    | FEATURE_AVX512VL
#endif
#ifdef __AVX512VBMI__
    | FEATURE_AVX512VBMI
#endif
#ifdef __AVX512VNNI__
    | FEATURE_AVX512VNNI
#endif
#ifdef __AVX512VPOPCNTDQ__
    | FEATURE_AVX512VPOPCNTDQ
#endif
    ;
