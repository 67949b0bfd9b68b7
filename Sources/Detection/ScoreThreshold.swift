/// A score's decision threshold: the confidence that a given share of in-distribution images
/// reaches.
package struct ScoreThreshold: Equatable, Sendable {
    /// Confidences of in-distribution images in ascending order; at least one, all finite.
    private let sorted: [Double]

    /// - Throws: `FitError` if there is no confidence, or one is NaN or infinite.
    package init(_ confidences: [Double], of score: ScoreDefinition) throws(FitError) {
        let broken = confidences.count { !$0.isFinite }
        guard broken == 0, !confidences.isEmpty else {
            throw FitError(
                score: score,
                reason: """
                    \(broken) of \(confidences.count) confidences of the validation set are NaN or infinite, expected \
                    at least one confidence, all of them finite
                    """, isNumeric: broken > 0)
        }
        sorted = confidences.sorted()
    }

    /// The largest confidence that at least the share `rate` of the images reaches.
    ///
    /// - Parameter rate: The true-positive rate, above 0 and at most 1.
    package func value(atRate rate: Double) -> Double {
        precondition(rate > 0 && rate <= 1, "a rate of \(rate)")
        // In binary a product such as 0.07 · 100 may be slightly more than 7.
        let kept = Int((rate * Double(sorted.count) * (1 - 1e-12)).rounded(.up))
        return sorted[sorted.count - min(max(kept, 1), sorted.count)]
    }

    /// The confidences in ascending order.
    package var confidences: [Double] { sorted }
}
