/// The sine of an angle in radians, within one unit in the last place of the correctly rounded
/// value; the same bits on every processor.
///
/// - Returns: NaN if `x` is infinite or NaN.
/// - Precondition: `|x| ≤ 2²⁰`, or `x` is infinite or NaN.
package func sine(_ x: Double) -> Double {
    let angle = QuarterTurns(x)
    switch angle.count & 3 {
    case 0: return angle.sineOfRest
    case 1: return angle.cosineOfRest
    case 2: return -angle.sineOfRest
    default: return -angle.cosineOfRest
    }
}

/// The cosine of an angle in radians, with the accuracy and the precondition of `sine`.
package func cosine(_ x: Double) -> Double {
    let angle = QuarterTurns(x)
    switch angle.count & 3 {
    case 0: return angle.cosineOfRest
    case 1: return -angle.sineOfRest
    case 2: return -angle.cosineOfRest
    default: return angle.sineOfRest
    }
}

/// The sine: the double-precision result, rounded to single precision.
package func sine(_ x: Float) -> Float { Float(sine(Double(x))) }

/// The cosine: the double-precision result, rounded to single precision.
package func cosine(_ x: Float) -> Float { Float(cosine(Double(x))) }

/// An angle as a number of quarter turns and a rest of at most an eighth of a turn.
private struct QuarterTurns {
    let count: Int
    /// The rest, and its rounding error.
    private let rest: Double
    private let low: Double

    /// Cody and Waite's reduction with π/2 split into three parts, 159 bits in all; the rounding
    /// errors of the first two products are included.
    @inline(__always)
    init(_ x: Double) {
        guard x.isFinite else {
            (count, rest, low) = (0, .nan, .nan)
            return
        }
        precondition(abs(x) <= 0x1p20, "an angle of \(x) radians, expected at most 2²⁰")
        let turns = (x * 0x1.45f306dc9c883p-1).rounded(.toNearestOrEven)
        let first = turns * 0x1.921fb54442d18p+0
        let firstError = (-first).addingProduct(turns, 0x1.921fb54442d18p+0)
        let second = turns * 0x1.1a62633145c07p-54
        let secondError = (-second).addingProduct(turns, 0x1.1a62633145c07p-54)
        // The first difference is exact: its operands are within a factor of two.
        let upper = DoubleDouble(sumOf: x - first, -firstError)
        let lower = DoubleDouble(sumOf: upper.high, -second)
        let tail = upper.low + lower.low - secondError + turns * 0x1.f1976b7ed8fbcp-110
        count = Int(turns)
        rest = lower.high + tail
        low = tail - (rest - lower.high)
    }

    /// The Taylor polynomial of degree 17, whose truncation error is below 10⁻¹⁹.
    @inline(__always)
    var sineOfRest: Double {
        let z = rest * rest
        var sum = 1.0 / 355_687_428_096_000
        sum = (-1.0 / 1_307_674_368_000).addingProduct(sum, z)
        sum = (1.0 / 6_227_020_800).addingProduct(sum, z)
        sum = (-1.0 / 39_916_800).addingProduct(sum, z)
        sum = (1.0 / 362_880).addingProduct(sum, z)
        sum = (-1.0 / 5_040).addingProduct(sum, z)
        sum = (1.0 / 120).addingProduct(sum, z)
        sum = (-1.0 / 6).addingProduct(sum, z)
        return rest + (rest * z * sum + low * (1 - 0.5 * z))
    }

    /// The Taylor polynomial of degree 16.
    @inline(__always)
    var cosineOfRest: Double {
        let z = rest * rest
        var sum = 1.0 / 20_922_789_888_000
        sum = (-1.0 / 87_178_291_200).addingProduct(sum, z)
        sum = (1.0 / 479_001_600).addingProduct(sum, z)
        sum = (-1.0 / 3_628_800).addingProduct(sum, z)
        sum = (1.0 / 40_320).addingProduct(sum, z)
        sum = (-1.0 / 720).addingProduct(sum, z)
        sum = (1.0 / 24).addingProduct(sum, z)
        let half = 0.5 * z
        let upper = 1 - half
        return upper + ((1 - upper - half) + (z * z * sum - rest * low))
    }
}
