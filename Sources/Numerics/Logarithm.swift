/// The natural logarithm, within one unit in the last place of the correctly rounded value; the
/// same bits on every processor.
///
/// With x = 2ᵏ m, m from √½ to √2, f = m − 1 and s = f / (2 + f), log m = 2 (s + s³/3 + s⁵/5 + …).
/// The sum is evaluated as f minus a correction, so that f itself is exact.
///
/// - Returns: NaN for NaN and for `x` below 0; −infinity for 0.
package func logarithm(_ x: Double) -> Double {
    guard x > 0 && x < .infinity else { return x == 0 ? -.infinity : x > 0 ? x : .nan }
    let (k, m) = binaryParts(x)
    let f = m - 1
    let s = f / (2 + f)
    let z = s * s
    let half = 0.5 * f * f
    let series = z * logarithmSeries(z)
    let small = k * 0x1.ef35793c76730p-45
    return k * 0x1.62e42fefa3800p-1 - ((half - (s * (half + series) + small)) - f)
}

/// The natural logarithm: the double-precision result, rounded to single precision.
package func logarithm(_ x: Float) -> Float { Float(logarithm(Double(x))) }

/// `k` and `m` of x = 2ᵏ m, with m from √½ to √2, for a finite x above 0.
@inline(__always)
func binaryParts(_ x: Double) -> (k: Double, m: Double) {
    let isSubnormal = x < .leastNormalMagnitude
    let bits = (isSubnormal ? x * 0x1p54 : x).bitPattern
    // The exponent changes where the significand passes √2, not 2.
    let shifted = bits &+ (0x3FF0_0000_0000_0000 - 0x3FE6_A09E_667F_3BCD)
    let k = Int(shifted >> 52) - 1023
    let m = Double(bitPattern: (shifted & 0x000F_FFFF_FFFF_FFFF) &+ 0x3FE6_A09E_667F_3BCD)
    return (Double(isSubnormal ? k - 54 : k), m)
}

/// `2/3 + 2z/5 + 2z²/7 + …` up to z¹¹, for z below 0.03.
@inline(__always)
private func logarithmSeries(_ z: Double) -> Double {
    var sum = 2.0 / 25
    sum = (2.0 / 23).addingProduct(sum, z)
    sum = (2.0 / 21).addingProduct(sum, z)
    sum = (2.0 / 19).addingProduct(sum, z)
    sum = (2.0 / 17).addingProduct(sum, z)
    sum = (2.0 / 15).addingProduct(sum, z)
    sum = (2.0 / 13).addingProduct(sum, z)
    sum = (2.0 / 11).addingProduct(sum, z)
    sum = (2.0 / 9).addingProduct(sum, z)
    sum = (2.0 / 7).addingProduct(sum, z)
    sum = (2.0 / 5).addingProduct(sum, z)
    return (2.0 / 3).addingProduct(sum, z)
}
