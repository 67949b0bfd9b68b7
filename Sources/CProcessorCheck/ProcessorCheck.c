// Compiled for baseline x86-64, so that it runs on every x86-64 processor: a vector instruction
// that the processor lacks would end the program with an illegal instruction, which tells its user
// nothing. On other architectures the check lets every program start.
#include "CProcessorCheck.h"
#include "CBuildFeatures.h"
#include <stdlib.h>
#include <unistd.h>

#if defined(__SSE3__) || defined(__AVX__) || defined(__BMI__)
#error "CProcessorCheck must run on any x86-64; compile it without -march"
#endif

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
        // Bit 27, OSXSAVE: the processor has `xgetbv`, and the operating system has enabled it.
        if (c & 1u << 27) registers.xcr0 = read_xcr0();
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        const uint32_t last = a;
        registers.leaf7_ebx = b;
        registers.leaf7_ecx = c;
        registers.leaf7_edx = d;
        if (last >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
            registers.leaf7_1_eax = a;
            registers.leaf7_1_edx = d;
        }
    }
    // Bit 19 of EDX of leaf 7, subleaf 1: the processor has AVX10, and leaf 0x24 gives its version.
    if (registers.leaf7_1_edx & 1u << 19 && __get_cpuid_count(0x24, 0, &a, &b, &c, &d)) {
        for (uint32_t version = 1; version <= (b & 0xFF) && version < 32; version++) {
            registers.avx10_versions |= 1u << version;
        }
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) registers.extended1_ecx = c;
    return registers;
}
#else
struct processor_registers read_processor(void) {
    return (struct processor_registers){0};
}
#endif

enum source {
    LEAF1_ECX,
    LEAF7_EBX,
    LEAF7_ECX,
    LEAF7_EDX,
    LEAF7_1_EAX,
    LEAF7_1_EDX,
    AVX10_VERSIONS,
    EXTENDED1_ECX,
};

/// Bits of `xcr0`: XMM and YMM; these, opmask and both parts of ZMM; the upper general-purpose
/// registers.
enum { NO_STATE = 0, AVX_STATE = 0x6, AVX512_STATE = 0xE6, APX_STATE = 0x80000 };

static const struct {
    const char *name;
    const char *macro;
    enum source source;
    int bit;
    uint32_t state;
    int level;
} features[FEATURE_COUNT] = {
#define FEATURE(identifier, name, macro, source, bit, state, level) {name, #macro, source, bit, state, level},
    PROCESSOR_FEATURES(FEATURE)
#undef FEATURE
};

/// The number of features that a message names; it only counts the others.
enum { NAMED_COUNT = 6 };

static int has(uint64_t set, int feature) {
    return set >> feature & 1;
}

uint64_t usable_features(struct processor_registers registers) {
    const uint32_t sources[] = {
        [LEAF1_ECX] = registers.leaf1_ecx,
        [LEAF7_EBX] = registers.leaf7_ebx,
        [LEAF7_ECX] = registers.leaf7_ecx,
        [LEAF7_EDX] = registers.leaf7_edx,
        [LEAF7_1_EAX] = registers.leaf7_1_eax,
        [LEAF7_1_EDX] = registers.leaf7_1_edx,
        [AVX10_VERSIONS] = registers.avx10_versions,
        [EXTENDED1_ECX] = registers.extended1_ecx,
    };
    uint64_t usable = 0;
    for (int i = 0; i < FEATURE_COUNT; i++) {
        const int reported = sources[features[i].source] >> features[i].bit & 1;
        const int saved = (registers.xcr0 & features[i].state) == features[i].state;
        if (reported && saved) usable |= (uint64_t)1 << i;
    }
    return usable;
}

int processor_level(uint64_t usable) {
    int level = 4;
    for (int i = 0; i < FEATURE_COUNT; i++) {
        if (!has(usable, i) && features[i].level <= level) level = features[i].level - 1;
    }
    return level;
}

const char *feature_name(int feature) {
    return features[feature].name;
}

const char *feature_macro(int feature) {
    return features[feature].macro;
}

/// Appends `text` as far as it fits; returns the new length.
static size_t append(const char *text, char *line, size_t length, size_t capacity) {
    while (*text && length < capacity) line[length++] = *text++;
    return length;
}

size_t describe_missing_features(uint64_t needed, uint64_t usable, char *line, size_t capacity) {
    const uint64_t missing = needed & ~usable;
    if (missing == 0) return 0;
    size_t length = append("t2fnorm: this build is for processors with", line, 0, capacity);
    int count = 0;
    for (int i = 0; i < FEATURE_COUNT; i++) {
        if (!has(missing, i) || ++count > NAMED_COUNT) continue;
        length = append(" ", line, length, capacity);
        length = append(features[i].name, line, length, capacity);
    }
    if (count > NAMED_COUNT) {
        const int more = count - NAMED_COUNT;
        const char digits[] = {(char)('0' + more / 10), (char)('0' + more % 10), 0};
        length = append(" and ", line, length, capacity);
        length = append(more < 10 ? digits + 1 : digits, line, length, capacity);
        length = append(" more", line, length, capacity);
    }
    const int level = processor_level(usable);
    length = append(", which this processor lacks; run launch/setup on it, or with T2FNORM_CPU=", line, length, capacity);
    const char *const names[] = {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    length = append(names[level - 1], line, length, capacity);
    return append("\n", line, length, capacity);
}

/// Whether a launcher started this process as a rank other than the first on this host.
///
/// Reads the variables of Open MPI, Hydra (MPICH, Intel MPI), Cray's PMI and srun. The variable of
/// srun comes last, because an `mpirun` inside an allocation passes it on to all its ranks.
static int is_later_local_rank(void) {
    static const char *const variables[] = {
        "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "PMI_LOCAL_RANK", "SLURM_LOCALID",
    };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *const rank = getenv(variables[i]);
        if (rank && *rank) return atoi(rank) != 0;
    }
    return 0;
}

void require_features(uint64_t needed, uint64_t usable) {
    char line[400];
    const size_t length = describe_missing_features(needed, usable, line, sizeof line);
    if (length == 0) return;
    if (is_later_local_rank()) {
        sleep(2);
    } else {
        (void)!write(STDERR_FILENO, line, length);
    }
    _exit(6);
}

/// Runs before `main`, and ends the program with exit code 6 if the processor lacks a feature of
/// the build.
__attribute__((constructor(101))) static void check_processor(void) {
    require_features(build_features, usable_features(read_processor()));
}
