package import Inference
internal import Kernels

extension ScoreDefinition {
    /// Negated squared Mahalanobis distance of normalised features to their mean.
    public static let ssd = ScoreDefinition(
        "ssd", "−(squared Mahalanobis distance of ĥ to the mean of all)",
        citation: "Sehwag et al., ICLR 2021, arXiv 2103.12051, section 3.2",
        fittedOn: [.trainingFeatures, .featuresAlone]
    ) { try SphereMahalanobis($1) }
}

/// `ssd`: the negated squared Mahalanobis distance from the feature divided by its norm to the mean
/// of all training features divided by theirs.
///
/// Sehwag, Chiang, Mittal: "SSD: A unified framework for self-supervised outlier detection", ICLR
/// 2021, arXiv 2103.12051, section 3.2, with one cluster. OpenOOD's implementation does not run.
package struct SphereMahalanobis: Score {
    private let sphere: Gaussian

    package init(_ fit: FitContext) throws {
        let moments = try fit.training.normalized().moments(on: fit.communicator)
        sphere = try Gaussian(covariance: moments.covariance, means: [moments.mean], score: .ssd)
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let directions = unitRows(input.copyFeatures(), dimension: input.head.dimension)
        let distances = sphere.smallestDistances(directions.span, count: input.count)
        for sample in 0..<input.count {
            confidences[sample] = -distances[sample]
            predictions[sample] = Int32(indexOfMaximum(input.logits(of: sample)))
        }
    }
}
