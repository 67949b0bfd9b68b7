/// What a score may look at, for `count` samples.
///
/// A score that needs more of the network adds it here; those that do not stay as they are.
public struct ScoreInput: ~Escapable, Sendable {
    /// Raw penultimate features, shape `[count, D]`.
    public let features: Span<Float>
    /// `head`'s logits of the features, shape `[count, K]`.
    public let logits: Span<Float>
    /// The last layer.
    public let head: ScoringHead
    /// What the score's `observation` gave, shape `[count, W]`; empty for a score without one.
    public let observed: Span<Float>

    /// The number of samples.
    public var count: Int { logits.count / head.classes }

    /// - Precondition: The features and the logits are of the same number of samples.
    @_lifetime(copy features, copy logits)
    public init(features: Span<Float>, logits: Span<Float>, head: ScoringHead) {
        self.init(features: features, logits: logits, head: head, observed: Span())
    }

    /// As above, with what an observation gave.
    @_lifetime(copy features, copy logits, copy observed)
    public init(features: Span<Float>, logits: Span<Float>, head: ScoringHead, observed: Span<Float>) {
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
        self.observed = observed
    }

    /// Some of the samples.
    @_lifetime(copy self)
    func samples(_ samples: Range<Int>) -> ScoreInput {
        let width = count > 0 ? observed.count / count : 0
        return ScoreInput(
            features: features.extracting(
                samples.lowerBound * head.dimension..<samples.upperBound * head.dimension),
            logits: logits.extracting(samples.lowerBound * head.classes..<samples.upperBound * head.classes),
            head: head,
            observed: observed.extracting(samples.lowerBound * width..<samples.upperBound * width))
    }

    /// What was observed of one sample, shape `[W]`.
    @_lifetime(copy self)
    func observed(of sample: Int) -> Span<Float> {
        let width = observed.count / count
        return observed.extracting(sample * width..<(sample + 1) * width)
    }

    /// The logits of one sample, shape `[K]`.
    @_lifetime(copy self)
    public func logits(of sample: Int) -> Span<Float> {
        logits.extracting(sample * head.classes..<(sample + 1) * head.classes)
    }
}
