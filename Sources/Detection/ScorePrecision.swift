/// The precision in which a score's confidences are kept; metrics count equal confidences as ties.
///
/// Confidences of `openmax` crowd at −1 and 0, those of `klm` at the logarithms of its classes'
/// typical probabilities; OpenOOD computes both in double precision. In single precision the other
/// scores lose no rank of a real benchmark, or lose it in OpenOOD, too.
package enum ScorePrecision: Sendable {
    /// As in OpenOOD, whose softmax is in single precision: confidences that round to the same
    /// number are ties in the published tables, too.
    case single
    /// For scores whose values crowd where single precision has no digits left, such as
    /// probabilities near 1.
    case double

    /// The confidences rounded to this precision.
    package func rounded(_ confidences: [Double]) -> [Double] {
        self == .double ? confidences : confidences.map { Double(Float($0)) }
    }
}
