internal import Cluster
package import Inference
internal import Kernels

extension ScoreDefinition {
    /// Negated squared Mahalanobis distance to the nearest class mean.
    public static let mds = ScoreDefinition(
        "mds", "−(squared Mahalanobis distance to the nearest class mean)",
        citation: "Lee et al., NeurIPS 2018, arXiv 1807.03888, section 2.1",
        fittedOn: [.trainingFeatures, .featuresAlone]
    ) { try Mahalanobis($1) }
}

/// `mds`: the negated squared Mahalanobis distance to the nearest class mean.
///
/// Lee, Lee, Lee, Shin: "A simple unified framework for detecting out-of-distribution samples and
/// adversarial attacks", NeurIPS 2018, arXiv 1807.03888, section 2.1, on the penultimate features.
/// The classes share the within-class covariance, divided by the number of records; its
/// pseudo-inverse is used.
package struct Mahalanobis: Score {
    private let classes: Gaussian

    package init(_ fit: FitContext) throws { classes = try Gaussian(classesOf: fit, score: .mds) }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let distances = classes.smallestDistances(input.features, count: input.count)
        for sample in 0..<input.count {
            confidences[sample] = -distances[sample]
            predictions[sample] = Int32(indexOfMaximum(input.logits(of: sample)))
        }
    }
}

extension Gaussian {
    /// One mean per class, with the shared within-class covariance.
    init(classesOf fit: FitContext, score: ScoreDefinition) throws {
        let (means, counts) = try fit.classMeans(for: score)
        let covariance = try fit.trainingMoments().covariance(within: means, counts: counts)
        try self.init(covariance: covariance, means: means, score: score)
    }

    /// As above, for a shard whose sums no other score needs. Collective.
    init(classesOf shard: FeatureShard, on communicator: any Communicator, score: ScoreDefinition) throws {
        let (means, counts) = try shard.featureSums(on: communicator).means(for: score)
        let covariance = try shard.moments(on: communicator).covariance(within: means, counts: counts)
        try self.init(covariance: covariance, means: means, score: score)
    }
}
