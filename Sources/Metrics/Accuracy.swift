/// A count of correct predictions among all predictions.
package struct Accuracy: Equatable, Sendable {
    /// The number of predictions that equal their label.
    package private(set) var correct: Int
    /// The number of predictions.
    package private(set) var count: Int

    /// - Precondition: `0 <= correct <= count`.
    package init(correct: Int, count: Int) {
        precondition(correct >= 0 && correct <= count, "\(correct) correct of \(count)")
        self.correct = correct
        self.count = count
    }

    /// Compares predictions to labels, one by one.
    package init(predictions: [Int32], labels: [Int32]) {
        precondition(
            predictions.count == labels.count,
            "\(predictions.count) predictions for \(labels.count) labels")
        self.init(correct: zip(predictions, labels).count(where: ==), count: labels.count)
    }

    /// The fraction of correct predictions, from 0 to 1; NaN if there are no predictions.
    package var fraction: Double { Double(correct) / Double(count) }

    /// Pools both sets of predictions: every image has the same weight.
    package static func + (left: Accuracy, right: Accuracy) -> Accuracy {
        Accuracy(correct: left.correct + right.correct, count: left.count + right.count)
    }
}
