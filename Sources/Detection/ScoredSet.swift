package import Inference
package import Metrics

/// A whole set after all ranks have scored it, in record order; the same on every rank.
package struct ScoredSet: Equatable, Sendable {
    package var name: String
    /// The indices of the records, shape `[N]`; each record of the set occurs once.
    package var records: [Int]
    /// Shape `[N]`; −1 for out-of-distribution records.
    package var labels: [Int32]
    /// Predicted classes from the logits that training and accuracy use, shape `[N]`; −1 for a
    /// network without a classifier.
    package var predictions: [Int32]
    /// Shape `[scores, N]`, in the requested order.
    package var confidences: [[Double]]
    /// The values of a `SampleMeasure`, shape `[measures, N]`; empty if there is none.
    package var measures: [[Float]]

    package init(
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

    package var count: Int { records.count }

    /// Whether each prediction is the label, shape `[N]`.
    package var isCorrect: [Bool] { zip(predictions, labels).map(==) }

    /// `nil` if there are no predictions.
    package var accuracy: Accuracy? {
        guard predictions.isEmpty || predictions.contains(where: { $0 >= 0 }) else { return nil }
        return Accuracy(predictions: predictions, labels: labels)
    }
}

/// Measurements of single samples that are not confidences but are reported with them.
package protocol SampleMeasure: Sendable {
    /// The names of the measurements.
    var names: [String] { get }

    /// Shape `[names, N]`.
    func values(of outputs: ForwardPass.Outputs) -> [[Float]]
}
