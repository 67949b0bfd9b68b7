package import Inference
internal import Kernels

extension ScoreDefinition {
    /// Maximum logit.
    public static let mls = ScoreDefinition(
        "mls", "max z", citation: "Hendrycks et al., ICML 2022, arXiv 1911.11132, section 3"
    ) { _ in MaximumLogit() }
}

/// `mls`: the largest logit, `max z`.
///
/// Hendrycks, Basart, Mazeika, Zou, Kwon, Mostajabi, Steinhardt, Song: "Scaling out-of-distribution
/// detection for real-world settings", ICML 2022, arXiv 1911.11132, section 3.
package struct MaximumLogit: Score {
    package init() {}

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            confidences[sample] = Double(maximumOrNaN(row))
            predictions[sample] = Int32(indexOfMaximum(row))
        }
    }
}
