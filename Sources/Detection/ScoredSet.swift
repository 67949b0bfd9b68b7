public import Metrics

/// A whole set after all ranks have scored it, in record order; the same on every rank.
public struct ScoredSet: Equatable, Sendable {
    public var name: String
    /// The indices of the records, shape `[N]`; each record of the set occurs once.
    public var records: [Int]
    /// Shape `[N]`; −1 for out-of-distribution records.
    public var labels: [Int32]
    /// Predicted classes from the logits that training and accuracy use, shape `[N]`; −1 for a
    /// network without a classifier.
    public var predictions: [Int32]
    /// Shape `[scores, N]`, in the requested order.
    public var confidences: [[Double]]
    /// The values of a `SampleMeasure`, shape `[measures, N]`; empty if there is none.
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
    public var isCorrect: [Bool] { zip(predictions, labels).map(==) }

    /// `nil` if there are no predictions.
    public var accuracy: Accuracy? {
        guard predictions.isEmpty || predictions.contains(where: { $0 >= 0 }) else { return nil }
        return Accuracy(predictions: predictions, labels: labels)
    }
}

/// Measurements of single samples that are not confidences but are reported with them.
public protocol SampleMeasure: Sendable {
    /// The names of the measurements.
    var names: [String] { get }

    /// Shape `[names, N]`.
    func values(of outputs: ForwardPass.Outputs) -> [[Float]]
}
