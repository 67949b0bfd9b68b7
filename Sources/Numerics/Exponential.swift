/// e to the power `x`, within one unit in the last place of the correctly rounded value.
///
/// The result has the same bits on every processor: it is computed by additions, multiplications
/// and fused multiply-adds in a fixed order, while the system's library may choose another
/// algorithm on another processor or in another version.
///
/// - Returns: NaN for NaN; 0 below about −745.13, infinity above about 709.78.
package func exponential(_ x: Double) -> Double { exponential(x, plus: 0) }

/// e to the power `x`: the double-precision result, rounded to single precision.
package func exponential(_ x: Float) -> Float { Float(exponential(Double(x))) }

/// e to the power `x + low`, where `low` is at most about the rounding error of `x`.
///
/// Let k ln 2 be the multiple of ln 2 nearest to `x` and r the remainder, |r| ≤ 0.3466. The result
/// is 2ᵏ eʳ; eʳ is evaluated as its Taylor polynomial of degree 14, whose truncation error is 0.002
/// units in the last place.
@inline(__always)
func exponential(_ x: Double, plus low: Double) -> Double {
    guard x < 709.79 else { return x.isNaN ? x : .infinity }
    guard x > -745.14 else { return 0 }
    let k = (x * 0x1.71547652b82fep+0).rounded(.toNearestOrEven)
    // The first 42 bits of ln 2, so that the product and the difference are exact; then the next 53
    // bits.
    let high = x - k * 0x1.62e42fefa3800p-1
    let rest = k * 0x1.ef35793c76730p-45 - low
    let r = high - rest
    let correction = (high - r) - rest
    let square = r * r
    var polynomial = 1.0 / 87_178_291_200
    polynomial = (1.0 / 6_227_020_800).addingProduct(polynomial, r)
    polynomial = (1.0 / 479_001_600).addingProduct(polynomial, r)
    polynomial = (1.0 / 39_916_800).addingProduct(polynomial, r)
    polynomial = (1.0 / 3_628_800).addingProduct(polynomial, r)
    polynomial = (1.0 / 362_880).addingProduct(polynomial, r)
    polynomial = (1.0 / 40_320).addingProduct(polynomial, r)
    polynomial = (1.0 / 5_040).addingProduct(polynomial, r)
    polynomial = (1.0 / 720).addingProduct(polynomial, r)
    polynomial = (1.0 / 120).addingProduct(polynomial, r)
    polynomial = (1.0 / 24).addingProduct(polynomial, r)
    polynomial = (1.0 / 6).addingProduct(polynomial, r)
    polynomial = 0.5.addingProduct(polynomial, r)
    // The rounding error of 1 + r goes into the smaller terms.
    let sum = 1 + r
    let tail = r - (sum - 1) + correction
    return scaled(sum + tail.addingProduct(square, polynomial), byPowerOfTwo: Int(k))
}

/// `value · 2ᵏ`, in two steps, so that neither factor overflows and only the second may round.
@inline(__always)
private func scaled(_ value: Double, byPowerOfTwo k: Int) -> Double {
    let first = k / 2
    return value * powerOfTwo(first) * powerOfTwo(k - first)
}

/// 2ᵏ, which must be a normal number.
@inline(__always)
private func powerOfTwo(_ k: Int) -> Double { Double(bitPattern: UInt64(1023 + k) << 52) }
