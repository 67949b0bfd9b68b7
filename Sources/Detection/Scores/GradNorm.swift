package import Inference
internal import Kernels
internal import Numerics

extension ScoreDefinition {
    /// GradNorm, the norm of the last layer's gradient.
    public static let gradnorm = ScoreDefinition(
        "gradnorm", "‖h‖₁ · Σ |K p − 1|",
        citation: "Huang et al., NeurIPS 2021, arXiv 2110.00218, section 4.3"
    ) { _ in GradNorm() }
}

/// `gradnorm`: the L1 norm of the gradient of the KL divergence from the uniform distribution with
/// respect to the last layer, `‖h‖₁ · Σ |K p − 1|`.
///
/// Huang, Geng, Li: "On the importance of gradients for detecting distributional shifts in the
/// wild", NeurIPS 2021, arXiv 2110.00218, section 4.3. The gradient has this closed form, so there
/// is no backward pass.
package struct GradNorm: Score {
    package init() {}

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let classes = Double(input.head.classes)
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let feature = input.features(of: sample)
            let predicted = indexOfMaximum(row)
            let sum = exponentialSum(row, below: row[predicted])
            var distance = 0.0
            for k in row.indices {
                distance += abs(classes * Double(exponential(row[k] - row[predicted]) / sum) - 1)
            }
            var norm = 0.0
            for j in feature.indices { norm += Double(abs(feature[j])) }
            confidences[sample] = norm * distance
            predictions[sample] = Int32(predicted)
        }
    }
}
