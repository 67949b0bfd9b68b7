package import Inference
internal import Kernels
internal import Numerics

extension ScoreDefinition {
    /// Energy.
    public static let ebo = ScoreDefinition(
        "ebo", "log Σ exp z", citation: "Liu et al., NeurIPS 2020, arXiv 2010.03759, equation 4"
    ) { _ in Energy() }
}

/// `ebo`: the negative free energy at temperature 1, `log Σ exp z`.
///
/// Liu, Wang, Owens, Li: "Energy-based out-of-distribution detection", NeurIPS 2020, arXiv
/// 2010.03759, equation 4. The largest logit is subtracted before the sum and added after it.
package struct Energy: Score {
    package init() {}

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let predicted = indexOfMaximum(row)
            let largest = row[predicted]
            confidences[sample] = Double(largest + logarithm(exponentialSum(row, below: largest)))
            predictions[sample] = Int32(predicted)
        }
    }
}
