#pragma once
#include <stddef.h>
#include <stdint.h>

/// What a processor says of itself: registers of `cpuid`, and `xcr0`, whose bits are the register files that the operating
/// system saves; 0 where there is none.
struct processor_registers {
    uint32_t leaf1_ecx;
    uint32_t leaf7_ebx;
    uint32_t leaf7_ecx;
    uint32_t leaf7_edx;
    uint32_t leaf7_1_eax;
    uint32_t leaf7_1_edx;
    /// Bit n says that the processor has version n of AVX10.
    uint32_t avx10_versions;
    uint32_t extended1_ecx;
    uint32_t xcr0;
};

/// This processor's registers; on processors that are no x86-64, zeros.
struct processor_registers read_processor(void);

/// The features, bits numbered as `processor_feature`, that programs may use on such a processor.
uint64_t usable_features(struct processor_registers registers);

/// The highest level of x86-64 whose features are all among `features`, from 1 to 4.
int processor_level(uint64_t features);

/// The name of `feature`, a `processor_feature`, and the macro that clang defines where it may use it.
const char *feature_name(int feature);
const char *feature_macro(int feature);

/// Writes one line, cut to `capacity`, on what a build for `needed` lacks on a processor with `usable` features.
///
/// Returns the number of bytes written: 0 if nothing is missing.
size_t describe_missing_features(uint64_t needed, uint64_t usable, char *line, size_t capacity);

/// Ends the program with exit code 6 where `usable` lacks some of what is `needed`.
///
/// Of the ranks that a launcher has started on this host, the first says why; the others wait for it, since launchers end a
/// job at the first rank that fails.
void require_features(uint64_t needed, uint64_t usable);
