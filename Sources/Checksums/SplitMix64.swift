/// The increment of SplitMix64's state.
package let splitMix64Increment: UInt64 = 0x9E37_79B9_7F4A_7C15

/// SplitMix64's output for a state: one-to-one, and every bit depends on all others.
///
/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014.
package func splitMix64(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
}
