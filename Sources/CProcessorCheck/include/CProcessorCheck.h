#pragma once
#include <stddef.h>
#include <stdint.h>

/// What a processor reports: registers of `cpuid`, and `xcr0`, whose bits are the register files
/// that the operating system saves. A register that the processor does not have is 0.
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

/// This processor's registers; zeros on processors other than x86-64.
struct processor_registers read_processor(void);

/// The features that programs may use on a processor with these registers; bits are numbered as in
/// `processor_feature`.
uint64_t usable_features(struct processor_registers registers);

/// The highest x86-64 level, from 1 to 4, whose features are all in `features`.
int processor_level(uint64_t features);

/// The name of `feature`, a `processor_feature`, and the macro that clang defines if it may use the
/// feature.
const char *feature_name(int feature);
const char *feature_macro(int feature);

/// Writes one line, cut to `capacity` bytes, that names the features of a build for `needed` that a
/// processor with `usable` lacks.
///
/// Returns the number of bytes written: 0 if nothing is missing.
size_t describe_missing_features(uint64_t needed, uint64_t usable, char *line, size_t capacity);

/// Ends the program with exit code 6 if `usable` lacks a feature of `needed`.
///
/// The first rank that a launcher started on this host prints the reason; the other ranks wait for
/// it, since launchers end a job when the first rank fails.
void require_features(uint64_t needed, uint64_t usable);
