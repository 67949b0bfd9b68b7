/// How exact a score's confidences are kept; equal ones are ties, which metrics count as such.
public enum ScorePrecision: Sendable {
    /// As OpenOOD has them: its softmax is in single precision, and what rounds to the same number is tied in the published tables, too.
    case single
    /// For scores whose values crowd where single precision has no digits left, such as a probability at 1.
    case double

    /// The confidences as this precision has them.
    public func rounded(_ confidences: [Double]) -> [Double] {
        self == .double ? confidences : confidences.map { Double(Float($0)) }
    }
}

extension ScoreName {
    /// How exact the confidences are.
    ///
    /// `openmax` crowds at −1 and 0 and `klm` at the logarithms of its classes' typical probabilities, and OpenOOD has both in double
    /// precision. The others lose no rank of a real benchmark, or lose it in OpenOOD, too.
    public var precision: ScorePrecision {
        switch self {
        case .openmax, .klm: .double
        default: .single
        }
    }
}
