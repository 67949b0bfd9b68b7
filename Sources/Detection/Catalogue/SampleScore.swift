internal import Inference
internal import Kernels

extension ScoreDefinition {
    /// A score of one's own, computed from the feature and the logits of one image at a time.
    ///
    /// - Parameters:
    ///   - name: The name: lower-case letters, digits and `_`.
    ///   - summary: What the confidence is, in one line.
    ///   - citation: The publication that defines it.
    ///   - confidence: Receives an image's feature, shape `[D]`, and its logits, shape `[K]`; returns
    ///     a confidence, higher for more in-distribution, which is rounded to single precision.
    ///     Called on several threads.
    public init(
        name: String, summary: String, citation: String,
        confidence: @escaping @Sendable (_ feature: Span<Float>, _ logits: Span<Float>) -> Double
    ) {
        self.init(name, summary, citation: citation) { _ in SampleScore(confidence: confidence) }
    }
}

/// A score that is a function of one image's feature and logits.
private struct SampleScore: Score {
    let confidence: @Sendable (_ feature: Span<Float>, _ logits: Span<Float>) -> Double

    func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            confidences[sample] = confidence(input.features(of: sample), row)
            predictions[sample] = Int32(indexOfMaximum(row))
        }
    }
}
