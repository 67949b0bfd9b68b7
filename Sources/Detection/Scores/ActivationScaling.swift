package import Inference
internal import Numerics

extension ScoreDefinition {
    /// SCALE: energy of all features, scaled.
    public static let scale = ScoreDefinition(
        "scale", "energy of h · exp(Σ h / Σ largest h)",
        citation: "Xu et al., ICLR 2024, arXiv 2310.00227, section 4",
        settings: [.percentile(85, tried: [65, 70, 75, 80, 85, 90, 95])]
    ) { ActivationScaling(percentile: $0.real("percentile")) }
}

/// `scale`: the energy of the features multiplied by `exp(sum of all / sum of the largest)`.
///
/// Xu, Chen, Franchi, Yao: "Scaling for training time and post-hoc out-of-distribution detection
/// enhancement", ICLR 2024, arXiv 2310.00227, section 4. All-zero features stay as they are; NaN
/// stays NaN.
package struct ActivationScaling: Score {
    /// Percentage of the features that are not among the largest.
    package let percentile: Double

    package init(percentile: Double = 85) {
        precondition((0...100).contains(percentile), "a percentile of \(percentile)")
        self.percentile = percentile
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        input.energies(head: input.head, confidences: &confidences, predictions: &predictions) { feature in
            guard let ratio = LargestFeatures(of: feature, percentile: percentile).ratio else { return }
            let factor = Float(exponential(ratio))
            for j in feature.indices { feature[j] *= factor }
        }
    }
}
