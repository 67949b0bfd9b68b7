package import Inference
internal import Kernels

extension ScoreDefinition {
    /// `mds` relative to the distance from the mean of all classes.
    public static let rmds = ScoreDefinition(
        "rmds", "the same as `mds` plus the squared distance to the mean of all",
        citation: "Ren et al., 2021, arXiv 2106.09022, section 3",
        fittedOn: [.trainingFeatures, .featuresAlone]
    ) { try RelativeMahalanobis($1) }
}

/// `rmds`: the confidence of `mds` minus the negated squared Mahalanobis distance to the mean of
/// all training records, with the covariance of all.
///
/// Ren, Fort, Liu, Roy, Padhy, Lakshminarayanan: "A simple fix to Mahalanobis distance for
/// improving near-OOD detection", 2021, arXiv 2106.09022, section 3.
package struct RelativeMahalanobis: Score {
    private let classes: Gaussian
    private let background: Gaussian

    package init(_ fit: FitContext) throws {
        classes = try Gaussian(classesOf: fit, score: .rmds)
        let moments = try fit.trainingMoments()
        background = try Gaussian(covariance: moments.covariance, means: [moments.mean], score: .rmds)
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let distances = classes.smallestDistances(input.features, count: input.count)
        let ordinary = background.smallestDistances(input.features, count: input.count)
        for sample in 0..<input.count {
            confidences[sample] = ordinary[sample] - distances[sample]
            predictions[sample] = Int32(indexOfMaximum(input.logits(of: sample)))
        }
    }
}
