/// An unevaluated sum of two doubles, the second at most half a unit in the last place of the
/// first: about 106 bits of precision.
///
/// Dekker: "A floating-point technique for extending the available precision", Numerische
/// Mathematik 18, 1971; products use the fused multiply-add.
struct DoubleDouble {
    let high: Double
    let low: Double

    @inline(__always)
    init(high: Double, low: Double) { (self.high, self.low) = (high, low) }

    @inline(__always)
    init(_ value: Double) { self.init(high: value, low: 0) }

    /// `a + b`, exactly.
    @inline(__always)
    init(sumOf a: Double, _ b: Double) {
        let sum = a + b
        let rest = sum - a
        self.init(high: sum, low: (a - (sum - rest)) + (b - rest))
    }

    /// Renormalises `high + low` after `low` has grown; `low` is still no larger than `high`.
    @inline(__always)
    private init(normalizing high: Double, _ low: Double) {
        let sum = high + low
        self.init(high: sum, low: low - (sum - high))
    }

    @inline(__always)
    static func + (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
        let sum = DoubleDouble(sumOf: a.high, b.high)
        return DoubleDouble(normalizing: sum.high, sum.low + (a.low + b.low))
    }

    @inline(__always)
    static func * (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
        let product = a.high * b.high
        let error = (-product).addingProduct(a.high, b.high)
        return DoubleDouble(
            normalizing: product, error.addingProduct(a.high, b.low).addingProduct(a.low, b.high))
    }

    @inline(__always)
    static func / (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
        let quotient = a.high / b.high
        let rest = a.high.addingProduct(-quotient, b.high) + a.low.addingProduct(-quotient, b.low)
        return DoubleDouble(normalizing: quotient, rest / b.high)
    }
}
