package import Inference
internal import Kernels

extension ScoreDefinition {
    /// Maximum softmax probability.
    public static let msp = ScoreDefinition(
        "msp", "max p", citation: "Hendrycks & Gimpel, ICLR 2017, arXiv 1610.02136, section 2"
    ) { _ in MaximumSoftmaxProbability() }
}

/// `msp`: the largest softmax probability, `max p`.
///
/// Hendrycks, Gimpel: "A baseline for detecting misclassified and out-of-distribution examples in
/// neural networks", ICLR 2017, arXiv 1610.02136, section 2. The largest logit is subtracted first,
/// so its term is 1 and its probability is one over the sum. On a T2FNorm network it equals
/// `t2fnorm`.
package struct MaximumSoftmaxProbability: Score {
    package init() {}

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let predicted = indexOfMaximum(row)
            confidences[sample] = Double(1 / exponentialSum(row, below: row[predicted]))
            predictions[sample] = Int32(predicted)
        }
    }
}
