package import Inference

extension ScoreDefinition {
    /// The largest probability of the forward pass without feature normalisation.
    public static let t2fnorm = ScoreDefinition(
        "t2fnorm", "max p of the forward pass without normalisation",
        citation: "Regmi et al., CVPR workshops 2024, arXiv 2305.17797, section 3"
    ) { _ in T2FNormScore() }
}

/// `t2fnorm`: the largest softmax probability of the forward pass without normalisation.
///
/// Regmi, Panthi, Ming, Gyawali, Stoyanov, Bhattarai: "T2FNorm: Train-time feature normalization
/// for OOD detection in image classification", CVPR workshops 2024, arXiv 2305.17797, section 3.
/// The logits are `W (h / τ) + b` (`ScoringHead` has τ in its weights), so a small feature norm
/// gives a low confidence. On a network without τ it equals `msp`.
package struct T2FNormScore: Score {
    package init() {}

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        MaximumSoftmaxProbability().evaluate(
            input, confidences: &confidences, predictions: &predictions)
    }
}
