/// The input of a score, for `count` samples.
///
/// A score that needs more of the network adds a property here; the other scores stay unchanged.
package struct ScoreInput: ~Escapable, Sendable {
    /// Raw penultimate features, shape `[count, D]`.
    package let features: Span<Float>
    /// `head`'s logits of the features, shape `[count, K]`.
    package let logits: Span<Float>
    /// The last layer.
    package let head: ScoringHead
    /// The values that the score's `probe` captured, shape `[count, W]`; empty for a score without
    /// a probe.
    package let captured: Span<Float>

    /// The number of samples.
    package var count: Int { logits.count / head.classes }

    /// - Precondition: The features and the logits belong to the same number of samples.
    @_lifetime(copy features, copy logits)
    package init(features: Span<Float>, logits: Span<Float>, head: ScoringHead) {
        self.init(features: features, logits: logits, head: head, captured: Span())
    }

    /// As above, with the values that a probe captured.
    @_lifetime(copy features, copy logits, copy captured)
    package init(features: Span<Float>, logits: Span<Float>, head: ScoringHead, captured: Span<Float>) {
        precondition(
            logits.count.isMultiple(of: head.classes)
                && features.count == logits.count / head.classes * head.dimension,
            """
            \(features.count) features and \(logits.count) logits for \(head.dimension) features and \
            \(head.classes) classes a sample
            """)
        self.features = features
        self.logits = logits
        self.head = head
        self.captured = captured
    }

    /// Some of the samples.
    @_lifetime(copy self)
    package func samples(_ samples: Range<Int>) -> ScoreInput {
        let width = count > 0 ? captured.count / count : 0
        return ScoreInput(
            features: features.extracting(
                samples.lowerBound * head.dimension..<samples.upperBound * head.dimension),
            logits: logits.extracting(samples.lowerBound * head.classes..<samples.upperBound * head.classes),
            head: head,
            captured: captured.extracting(samples.lowerBound * width..<samples.upperBound * width))
    }

    /// The captured values of one sample, shape `[W]`.
    @_lifetime(copy self)
    package func captured(of sample: Int) -> Span<Float> {
        let width = captured.count / count
        return captured.extracting(sample * width..<(sample + 1) * width)
    }

    /// The logits of one sample, shape `[K]`.
    @_lifetime(copy self)
    package func logits(of sample: Int) -> Span<Float> {
        logits.extracting(sample * head.classes..<(sample + 1) * head.classes)
    }
}
