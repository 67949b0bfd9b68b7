/// What a score may look at, for `count` samples.
///
/// A score that needs more of the network adds it here; those that do not stay as they are.
public struct ScoreInput: ~Escapable {
    /// Raw penultimate features, shape `[count, D]`.
    public let features: Span<Float>
    /// `head`'s logits of the features, shape `[count, K]`.
    public let logits: Span<Float>
    /// The last layer.
    public let head: ScoringHead

    /// The number of samples.
    public var count: Int { logits.count / head.classes }

    /// - Precondition: The features and the logits are of the same number of samples.
    @_lifetime(copy features, copy logits)
    public init(features: Span<Float>, logits: Span<Float>, head: ScoringHead) {
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
    }

    /// The logits of one sample, shape `[K]`.
    @_lifetime(copy self)
    public func logits(of sample: Int) -> Span<Float> {
        logits.extracting(sample * head.classes..<(sample + 1) * head.classes)
    }
}
