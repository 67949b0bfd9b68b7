/// `base` to the power `exponent` for a base that is not negative, within one unit in the last
/// place of the correctly rounded value; the same bits on every processor.
///
/// Computed as the exponential of `exponent · log base`, with the logarithm to a relative error of
/// about 2⁻⁷⁰.
///
/// - Returns: 1 if the exponent is 0 or the base is 1; otherwise NaN if an argument is NaN or the
///   base is below 0.
package func power(_ base: Double, _ exponent: Double) -> Double {
    if exponent == 0 || base == 1 { return 1 }
    guard base >= 0 && !exponent.isNaN else { return .nan }
    guard base > 0 && base < .infinity && exponent.isFinite else {
        let isLarge = (base > 1) == (exponent > 0)
        return isLarge ? .infinity : 0
    }
    let logarithm = preciseLogarithm(base)
    let high = exponent * logarithm.high
    guard abs(high) < 800 else { return high > 0 ? .infinity : 0 }
    let error = (-high).addingProduct(exponent, logarithm.high)
    return exponential(high, plus: error.addingProduct(exponent, logarithm.low))
}

/// `base` to the power `exponent` in single precision, for which a double-precision logarithm is
/// exact enough.
package func power(_ base: Float, _ exponent: Float) -> Float {
    guard base > 0 && base < .infinity && exponent.isFinite else {
        return Float(power(Double(base), Double(exponent)))
    }
    return Float(exponential(Double(exponent) * logarithm(Double(base))))
}

/// The natural logarithm of a finite x above 0 as a sum of two doubles, to a relative error of
/// about 2⁻⁷⁰.
///
/// Like `logarithm`, with s and the first two terms of the series in double-double arithmetic.
private func preciseLogarithm(_ x: Double) -> DoubleDouble {
    let (k, m) = binaryParts(x)
    let s = DoubleDouble(m - 1) / DoubleDouble(sumOf: m, 1)
    let z = s * s
    let third = DoubleDouble(high: 0x1.5555555555555p-2, low: 0x1.5555555555555p-56)
    let fifth = DoubleDouble(high: 0x1.999999999999ap-3, low: -0x1.999999999999ap-57)
    let series = (fifth + DoubleDouble(z.high * preciseSeries(z.high))) * z
    let sum = s + s * ((third + series) * z)
    let twofold = DoubleDouble(high: 2 * sum.high, low: 2 * sum.low)
    let ln2 = DoubleDouble(high: 0x1.62e42fefa39efp-1, low: 0x1.abc9e3b39803fp-56)
    return ln2 * DoubleDouble(k) + twofold
}

/// `1/7 + z/9 + z²/11 + …` up to z⁹, for z below 0.03.
@inline(__always)
private func preciseSeries(_ z: Double) -> Double {
    var sum = 1.0 / 25
    sum = (1.0 / 23).addingProduct(sum, z)
    sum = (1.0 / 21).addingProduct(sum, z)
    sum = (1.0 / 19).addingProduct(sum, z)
    sum = (1.0 / 17).addingProduct(sum, z)
    sum = (1.0 / 15).addingProduct(sum, z)
    sum = (1.0 / 13).addingProduct(sum, z)
    sum = (1.0 / 11).addingProduct(sum, z)
    sum = (1.0 / 9).addingProduct(sum, z)
    return (1.0 / 7).addingProduct(sum, z)
}
