package import Inference

extension ScoreDefinition {
    /// VRA: energy of the features clipped from above and below.
    public static let vra = ScoreDefinition(
        "vra", "energy of h clipped below at one percentile and above at another",
        citation: "Xu et al., NeurIPS 2023, arXiv 2302.11716, section 3", fittedOn: .validationFeatures,
        settings: [
            .percentile(90, name: "high", label: "high percentile", tried: [85, 90, 95, 99]),
            .percentile(10, name: "low", label: "low percentile", tried: [1, 5, 10, 15]),
            .words("lowFeatures", ["raised", "zeroed"]),
        ], traits: ScoreTraits(ascending: ("low", "high"))
    ) {
        try FeatureRectification(
            $1, percentiles: $0.real("low")...$0.real("high"),
            lowFeatures: $0.word("lowFeatures") == "raised" ? .raised : .zeroed)
    }
}

/// `vra`: the energy of the features clipped from above and below.
///
/// Xu, Lian, Liu, Tao: "VRA: Variational rectified activation for out-of-distribution detection",
/// NeurIPS 2023, arXiv 2302.11716, section 3. The thresholds are percentiles of all features of all
/// validation images.
package struct FeatureRectification: Score {
    /// How features below the lower threshold are changed.
    package enum LowFeatures: Sendable {
        /// They are raised to the threshold, as in OpenOOD.
        case raised
        /// They become 0, as in the paper.
        case zeroed
    }

    package let lowFeatures: LowFeatures
    /// The lower and the upper threshold.
    package let thresholds: ClosedRange<Float>

    /// - Parameter percentiles: Percentiles of the validation set's features.
    package init(
        _ fit: FitContext, percentiles: ClosedRange<Double> = 10...90, lowFeatures: LowFeatures = .raised
    ) throws {
        precondition(
            percentiles.lowerBound >= 0 && percentiles.upperBound <= 100, "percentiles of \(percentiles)")
        self.lowFeatures = lowFeatures
        let low = try fit.validation.featurePercentile(percentiles.lowerBound, on: fit.communicator)
        let high = try fit.validation.featurePercentile(percentiles.upperBound, on: fit.communicator)
        thresholds = Float(low)...Float(high)
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let (low, high) = (thresholds.lowerBound, thresholds.upperBound)
        input.energies(head: input.head, confidences: &confidences, predictions: &predictions) { feature in
            for j in feature.indices {
                if feature[j] > high { feature[j] = high }
                if feature[j] < low { feature[j] = lowFeatures == .raised ? low : 0 }
            }
        }
    }
}
