public import Metrics

/// A whole set after all ranks have scored it, in the order of its records; the same on every rank.
public struct ScoredSet: Equatable, Sendable {
    public var name: String
    /// The records' numbers, shape `[N]`: each of the set once.
    public var records: [Int]
    /// Shape `[N]`; −1 out of distribution.
    public var labels: [Int32]
    /// Classes by the logits that training and accuracy use, shape `[N]`; −1 each of a network without a classifier.
    public var predictions: [Int32]
    /// Shape `[scores, N]`, in the order asked for.
    public var confidences: [[Double]]
    /// What a `SampleMeasure` says, shape `[measures, N]`; empty if there is none.
    public var measures: [[Float]]

    public init(
        name: String, records: [Int], labels: [Int32], predictions: [Int32], confidences: [[Double]],
        measures: [[Float]] = []
    ) {
        self.name = name
        self.records = records
        self.labels = labels
        self.predictions = predictions
        self.confidences = confidences
        self.measures = measures
    }

    public var count: Int { records.count }

    /// Whether each prediction is the label, shape `[N]`.
    public var hits: [Bool] { zip(predictions, labels).map(==) }

    /// `nil` where nothing was predicted.
    public var accuracy: Accuracy? {
        guard predictions.isEmpty || predictions.contains(where: { $0 >= 0 }) else { return nil }
        return Accuracy(predictions: predictions, labels: labels)
    }
}

/// Numbers of single samples that are no confidences, to be looked at beside them.
public protocol SampleMeasure: Sendable {
    /// What the numbers are.
    var names: [String] { get }

    /// Shape `[names, N]`.
    func values(of outputs: ForwardPass.Outputs) -> [[Float]]
}
