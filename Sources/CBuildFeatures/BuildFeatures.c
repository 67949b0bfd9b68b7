// Compiled with the package's -march, unlike CProcessorCheck; so this file must not contain code.
#include "CBuildFeatures.h"

// Whether `macro` is defined as 1: the text of an undefined macro is its own name, which is longer.
#define IS_DEFINED(macro) (sizeof TEXT(macro) == sizeof "1")
#define TEXT(value) #value

#define FEATURE(identifier, name, macro, source, bit, state, level) \
    | (uint64_t)IS_DEFINED(macro) << FEATURE_##identifier
#if defined(__x86_64__)
const uint64_t build_features = 0 PROCESSOR_FEATURES(FEATURE);
#else
// Clang defines some of the macros on other architectures too.
const uint64_t build_features = 0;
#endif

#define NAME(identifier, name, macro, source, bit, state, level) name,
const char *const build_feature_names[FEATURE_COUNT] = {PROCESSOR_FEATURES(NAME)};

#define LEVEL(identifier, name, macro, source, bit, state, level) level,
const int build_feature_levels[FEATURE_COUNT] = {PROCESSOR_FEATURES(LEVEL)};

_Static_assert(FEATURE_COUNT <= 64, "a set of features has 64 bits");
