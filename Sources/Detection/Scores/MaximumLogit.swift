package import Inference
internal import Kernels

/// `mls`: the largest logit, `max z`.
///
/// Hendrycks, Basart, Mazeika, Zou, Kwon, Mostajabi, Steinhardt, Song: "Scaling out-of-distribution
/// detection for real-world settings", ICML 2022, arXiv 1911.11132, section 3.
package struct MaximumLogit: Score {
    package let name = ScoreName.mls

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
