package import Inference
internal import Kernels

extension ScoreDefinition {
    /// Inner product with the predicted class's stored pattern.
    public static let she = ScoreDefinition(
        "she", "h · mean h of the predicted class's correctly predicted images",
        citation: "Zhang et al., ICLR 2023, section 3", fittedOn: .trainingFeatures
    ) { try StoredPatterns($1) }
}

/// `she`: the inner product of the feature with the predicted class's stored pattern.
///
/// Zhang, Fu, Chen, Du, Li, Wang, Liu, Han, Zhang: "Out-of-distribution detection based on
/// in-distribution data patterns memorization with modern Hopfield energy", ICLR 2023, section 3. A
/// class's pattern is the mean feature of its correctly predicted training images, or of all its
/// training images if none is predicted correctly; OpenOOD's confidence is NaN in that case.
package struct StoredPatterns: Score {
    /// Shape `[K, D]`.
    private let patterns: [[Double]]

    package init(_ fit: FitContext) throws {
        let training = fit.training
        let (means, _) = try fit.classMeans(for: .she)
        let right = try training.featureSums(on: fit.communicator) { record in
            indexOfMaximum(training.input.logits(of: record)) == Int(training.labels[record])
        }
        patterns = means.enumerated().map { k, mean in right.mean(k) ?? mean }
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        for sample in 0..<input.count {
            let feature = input.features(of: sample)
            let predicted = indexOfMaximum(input.logits(of: sample))
            let pattern = patterns[predicted]
            var sum = 0.0
            for j in feature.indices { sum += Double(feature[j]) * pattern[j] }
            confidences[sample] = sum
            predictions[sample] = Int32(predicted)
        }
    }
}
