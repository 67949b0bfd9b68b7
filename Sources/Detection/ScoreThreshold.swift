/// Where a score's decision lies: the confidence that a share of in-distribution images has at least.
public struct ScoreThreshold: Equatable, Sendable {
    /// Confidences of in-distribution images in ascending order; at least one, all finite.
    private let sorted: [Double]

    /// - Throws: `ScoreFitError` if there is no confidence, or one is NaN or infinite.
    public init(_ confidences: [Double], of score: ScoreName) throws(ScoreFitError) {
        let broken = confidences.count { !$0.isFinite }
        guard broken == 0, !confidences.isEmpty else {
            throw ScoreFitError(
                score: score,
                reason: """
                    \(broken) of \(confidences.count) confidences of the validation set are NaN or infinite, expected \
                    finite numbers, one at least
                    """, isNumeric: broken > 0)
        }
        sorted = confidences.sorted()
    }

    /// The largest confidence at or above which at least a share of the images lies.
    ///
    /// - Parameter rate: The true-positive rate, above 0 and at most 1.
    public func value(atRate rate: Double) -> Double {
        precondition(rate > 0 && rate <= 1, "a rate of \(rate)")
        // A share such as 0.07 of 100 may be a little more than 7 in binary.
        let kept = Int((rate * Double(sorted.count) * (1 - 1e-12)).rounded(.up))
        return sorted[sorted.count - min(max(kept, 1), sorted.count)]
    }

    /// In ascending order.
    public var confidences: [Double] { sorted }
}
