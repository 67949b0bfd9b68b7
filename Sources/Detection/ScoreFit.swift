/// What scores know of the training set; the same bits on all ranks.
public struct ScoreFit: Sendable {
    /// The last layer.
    public let head: ScoringHead
    /// Mean raw feature of the training images, read with the evaluation transform; shape `[D]`.
    public let featureMean: [Float]

    /// - Precondition: `featureMean` has the head's dimension.
    public init(head: ScoringHead, featureMean: [Float]) {
        precondition(
            featureMean.count == head.dimension,
            "a mean of \(featureMean.count) features for a layer of \(head.dimension)")
        self.head = head
        self.featureMean = featureMean
    }
}
