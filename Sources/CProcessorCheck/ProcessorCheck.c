// Compiled for plain x86-64, so that it runs on any: a vector instruction that the processor does not have would end the
// program with an illegal instruction, which says nothing to its user.
#include "CProcessorCheck.h"
#include "CBuildFeatures.h"
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

static uint32_t read_xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

struct processor_registers read_processor(void) {
    struct processor_registers registers = {0};
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        registers.leaf1_ecx = c;
        // Bit 27, OSXSAVE: the instruction is there, and the operating system uses it.
        if (c & 1u << 27) registers.xcr0 = read_xcr0();
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        registers.leaf7_ebx = b;
        registers.leaf7_ecx = c;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) registers.extended1_ecx = c;
    return registers;
}
#else
struct processor_registers read_processor(void) {
    return (struct processor_registers){0};
}
#endif

enum source { LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, EXTENDED1_ECX };

/// Bits of `xcr0`: XMM and YMM; with them opmask and both parts of ZMM.
enum { NO_STATE = 0, AVX_STATE = 0x6, AVX512_STATE = 0xE6 };

/// Where each feature is told (Intel's manual, volume 2, CPUID), what the operating system has to save for it, and the
/// lowest level of the x86-64 psABI with it, 5 for none.
static const struct {
    uint32_t feature;
    const char *name;
    enum source source;
    int bit;
    uint32_t state;
    int level;
} features[FEATURE_COUNT] = {
    {FEATURE_SSE42, "sse4.2", LEAF1_ECX, 20, NO_STATE, 2},
    {FEATURE_POPCNT, "popcnt", LEAF1_ECX, 23, NO_STATE, 2},
    {FEATURE_MOVBE, "movbe", LEAF1_ECX, 22, NO_STATE, 3},
    {FEATURE_LZCNT, "lzcnt", EXTENDED1_ECX, 5, NO_STATE, 3},
    {FEATURE_BMI, "bmi1", LEAF7_EBX, 3, NO_STATE, 3},
    {FEATURE_BMI2, "bmi2", LEAF7_EBX, 8, NO_STATE, 3},
    {FEATURE_F16C, "f16c", LEAF1_ECX, 29, AVX_STATE, 3},
    {FEATURE_FMA, "fma", LEAF1_ECX, 12, AVX_STATE, 3},
    {FEATURE_AVX, "avx", LEAF1_ECX, 28, AVX_STATE, 3},
    {FEATURE_AVX2, "avx2", LEAF7_EBX, 5, AVX_STATE, 3},
    {FEATURE_AVX512F, "avx512f", LEAF7_EBX, 16, AVX512_STATE, 4},
    {FEATURE_AVX512CD, "avx512cd", LEAF7_EBX, 28, AVX512_STATE, 4},
    {FEATURE_AVX512BW, "avx512bw", LEAF7_EBX, 30, AVX512_STATE, 4},
    {FEATURE_AVX512DQ, "avx512dq", LEAF7_EBX, 17, AVX512_STATE, 4},
    {FEATURE_AVX512VL, "avx512vl", LEAF7_EBX, 31, AVX512_STATE, 4},
    {FEATURE_AVX512VBMI, "avx512_vbmi", LEAF7_ECX, 1, AVX512_STATE, 5},
    {FEATURE_AVX512VNNI, "avx512_vnni", LEAF7_ECX, 11, AVX512_STATE, 5},
    {FEATURE_AVX512VPOPCNTDQ, "avx512_vpopcntdq", LEAF7_ECX, 14, AVX512_STATE, 5},
};

uint32_t usable_features(struct processor_registers registers) {
    const uint32_t sources[] = {
        [LEAF1_ECX] = registers.leaf1_ecx,
        [LEAF7_EBX] = registers.leaf7_ebx,
        [LEAF7_ECX] = registers.leaf7_ecx,
        [EXTENDED1_ECX] = registers.extended1_ecx,
    };
    uint32_t usable = 0;
    for (int i = 0; i < FEATURE_COUNT; i++) {
        const int told = sources[features[i].source] >> features[i].bit & 1;
        const int saved = (registers.xcr0 & features[i].state) == features[i].state;
        if (told && saved) usable |= features[i].feature;
    }
    return usable;
}

int processor_level(uint32_t usable) {
    int level = 4;
    for (int i = 0; i < FEATURE_COUNT; i++) {
        if (!(usable & features[i].feature) && features[i].level <= level) level = features[i].level - 1;
    }
    return level;
}

/// Appends `text` as far as it fits; returns the new length.
static size_t append(const char *text, char *line, size_t length, size_t capacity) {
    while (*text && length < capacity) line[length++] = *text++;
    return length;
}

size_t describe_missing_features(uint32_t needed, uint32_t usable, char *line, size_t capacity) {
    const uint32_t missing = needed & ~usable;
    if (missing == 0) return 0;
    size_t length = append("t2fnorm: this build is for processors with", line, 0, capacity);
    for (int i = 0; i < FEATURE_COUNT; i++) {
        if (!(missing & features[i].feature)) continue;
        length = append(" ", line, length, capacity);
        length = append(features[i].name, line, length, capacity);
    }
    const int level = processor_level(usable);
    length = append(", which this one has not; run launch/setup on it, or with T2FNORM_CPU=", line, length, capacity);
    const char *const names[] = {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    length = append(names[level - 1], line, length, capacity);
    return append("\n", line, length, capacity);
}

/// Runs before `main`, and ends the program with exit code 6 on a processor below the build's.
__attribute__((constructor(101))) static void check_processor(void) {
#if defined(__x86_64__)
    char line[400];
    const size_t length = describe_missing_features(build_features, usable_features(read_processor()), line, sizeof line);
    if (length == 0) return;
    (void)!write(STDERR_FILENO, line, length);
    _exit(6);
#endif
}
