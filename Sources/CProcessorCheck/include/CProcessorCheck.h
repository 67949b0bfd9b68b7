#pragma once
#include <stddef.h>
#include <stdint.h>

/// What a processor says of itself: registers of `cpuid`, and `xcr0`, whose bits are the register files that the operating
/// system saves; 0 where there is none.
struct processor_registers {
    uint32_t leaf1_ecx;
    uint32_t leaf7_ebx;
    uint32_t leaf7_ecx;
    uint32_t extended1_ecx;
    uint32_t xcr0;
};

/// This processor's registers; on processors that are no x86-64, zeros.
struct processor_registers read_processor(void);

/// The features, bits of `processor_feature`, that programs may use on such a processor.
uint32_t usable_features(struct processor_registers registers);

/// The highest level of x86-64 whose features are all among `features`, from 1 to 4.
int processor_level(uint32_t features);

/// Writes one line, cut to `capacity`, on what a build for `needed` lacks on a processor with `usable` features.
///
/// Returns the number of bytes written: 0 if nothing is missing.
size_t describe_missing_features(uint32_t needed, uint32_t usable, char *line, size_t capacity);
