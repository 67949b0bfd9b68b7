package import Inference

extension ScoreDefinition {
    /// ReAct: energy of the features clipped from above.
    public static let react = ScoreDefinition(
        "react", "energy of min(h, c), c a percentile of all features",
        citation: "Sun et al., NeurIPS 2021, arXiv 2111.12797, section 3", fittedOn: .validationFeatures,
        settings: [.percentile(90, tried: [85, 90, 95, 99])]
    ) { try FeatureClipping($1, percentile: $0.real("percentile")) }
}

/// `react`: the energy of the features clipped from above.
///
/// Sun, Guo, Li: "ReAct: Out-of-distribution detection with rectified activations", NeurIPS 2021,
/// arXiv 2111.12797, section 3. The threshold is a percentile of all features of all validation
/// images, as in OpenOOD.
package struct FeatureClipping: Score {
    /// Features above the threshold are set to it.
    package let threshold: Float

    /// - Parameter percentile: Percentage of the validation set's features that are not clipped.
    package init(_ fit: FitContext, percentile: Double = 90) throws {
        precondition((0...100).contains(percentile), "a percentile of \(percentile)")
        threshold = Float(try fit.validation.featurePercentile(percentile, on: fit.communicator))
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        input.energies(head: input.head, confidences: &confidences, predictions: &predictions) { feature in
            for j in feature.indices where feature[j] > threshold { feature[j] = threshold }
        }
    }
}
