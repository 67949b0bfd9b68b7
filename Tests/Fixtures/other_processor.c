// A program for an architecture other than the tests': starts behind the processor check and tries what `CProcessor` has.
#include "../../Sources/CProcessor/shim.h"
#include "../../Sources/CBuildFeatures/include/CBuildFeatures.h"
#include <stdio.h>

/// The CRC-32C of "123456789", whose last byte is taken bit by bit.
static uint32_t check_value(void) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) word |= (uint64_t)('1' + i) << 8 * i;
    uint32_t crc = (uint32_t)crc32cWord(0xFFFFFFFF, word) ^ '9';
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78 : 0);
    return ~crc;
}

static int16_t number(uint32_t i) {
    static const int16_t ends[] = {INT16_MIN, INT16_MAX, -1, 0};
    return i % 5 < 4 ? ends[i % 5] : (int16_t)(i * 40503);
}

static int32_t pair(uint32_t i) { return (int32_t)((uint32_t)(uint16_t)number(i) | (uint32_t)number(i + 1) << 16); }

/// The number of places where pair products differ from those of single numbers.
static int wrong_pair_products(void) {
    SixteenInts sums, left, right;
    for (uint32_t i = 0; i < 16; i++) {
        sums[i] = (int)i - 8;
        left[i] = pair(3 * i);
        right[i] = pair(7 * i + 2);
    }
    const SixteenInts found = addPairProducts(sums, left, right);
    int wrong = 0;
    for (uint32_t i = 0; i < 16; i++) {
        const int64_t expected = sums[i] + (int64_t)number(3 * i) * number(7 * i + 2) +
                                 (int64_t)number(3 * i + 1) * number(7 * i + 3);
        wrong += found[i] != (int32_t)expected;
    }
    return wrong;
}

/// The number of floats that did not arrive.
static int wrong_stores(void) {
    static _Alignas(64) float memory[32];
    prefetchLine(memory + 16);
    const SixteenInts values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, -15};
    storePastCaches(floatsOf(values), memory + 16);
    finishStoresPastCaches();
    spinPause();
    int wrong = 0;
    for (int i = 0; i < 16; i++) wrong += memory[16 + i] != (float)values[i] || memory[i] != 0;
    return wrong;
}

int main(void) {
    returnFreedMemory(4 << 20);
    printf("build features %llu, CRC-32C instruction %d, check value %08X, wrong pair products %d, wrong stores %d\n",
           (unsigned long long)build_features, BUILD_HAS_CRC32, BUILD_HAS_CRC32 ? check_value() : 0, wrong_pair_products(),
           wrong_stores());
    return 0;
}
