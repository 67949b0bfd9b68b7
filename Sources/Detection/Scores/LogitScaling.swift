package import Inference

extension ScoreDefinition {
    /// LTS: energy of the logits, scaled by how evenly the features are active.
    public static let lts = ScoreDefinition(
        "lts", "energy of z · r², r = Σ h / Σ largest h",
        citation: "Djurisic et al., 2024, arXiv 2409.01175, section 3",
        settings: [.percentile(95, tried: [80, 85, 90, 95, 99])]
    ) { LogitScaling(percentile: $0.real("percentile")) }
}

/// `lts`: the energy of the logits multiplied by `(sum of all features / sum of the largest)²`.
///
/// Djurisic, Liu, Nikolic: "Logit scaling for out-of-distribution detection", 2024, arXiv
/// 2409.01175, section 3. Negative features count as 0, as in the authors' code. Logits of features
/// that are all 0 stay as they are; NaN stays NaN.
package struct LogitScaling: Score {
    /// Percentage of the features that are not among the largest.
    package let percentile: Double

    package init(percentile: Double = 95) {
        precondition((0...100).contains(percentile), "a percentile of \(percentile)")
        self.percentile = percentile
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        input.energiesOfScaledLogits(confidences: &confidences, predictions: &predictions) { _, feature in
            let active = feature.map { $0 < 0 ? 0 : $0 }
            return LargestFeatures(of: active, percentile: percentile).ratio.map { Float($0 * $0) } ?? 1
        }
    }
}
