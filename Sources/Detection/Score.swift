package import Inference
internal import Workers

/// An OOD score: a confidence that a sample comes from the training distribution.
///
/// A sample's result depends on that sample alone, to the bit. A NaN among its logits gives a NaN
/// confidence, which the metrics refuse instead of hiding it.
package protocol Score: Sendable {
    /// The precision of the confidences; single by default, as for most definitions.
    var precision: ScorePrecision { get }

    /// The score as one whose training records are sharded over the ranks; `nil` for any other.
    var sharded: (any ShardedScore)? { get }

    /// Extra network output this score needs; `nil` if features and logits suffice.
    var probe: (any NetworkProbe)? { get }

    /// Overwrites the confidences and the predicted classes.
    ///
    /// - Parameters:
    ///   - confidences: Shape `[input.count]`; higher means more in-distribution. Rounded
    ///     afterwards to the score's `precision`.
    ///   - predictions: Shape `[input.count]`; ties go to the first class.
    func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>)
}

/// The confidences and predicted classes of some samples.
package struct ScoredSamples: Equatable, Sendable {
    /// Shape `[N]`; higher means more in-distribution.
    package var confidences: [Double]
    /// Shape `[N]`.
    package var predictions: [Int32]

    package init(confidences: [Double], predictions: [Int32]) {
        self.confidences = confidences
        self.predictions = predictions
    }
}

extension Score {
    package var precision: ScorePrecision { .single }
    package var sharded: (any ShardedScore)? { nil }
    package var probe: (any NetworkProbe)? { nil }

    /// The confidences of `input` in the score's precision; the samples are distributed over
    /// `pool`.
    func confidences(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double] {
        var confidences = [Double](repeating: 0, count: input.count)
        var predictions = [Int32](repeating: 0, count: input.count)
        var confidenceSpan = confidences.mutableSpan
        var predictionSpan = predictions.mutableSpan
        let input = copy input
        pool.split(&confidenceSpan, every: 32, &predictionSpan, every: 32) {
            index, confidences, predictions in
            evaluate(
                input.samples(index * 32..<index * 32 + confidences.count), confidences: &confidences,
                predictions: &predictions)
        }
        return precision.rounded(confidences)
    }

    /// The confidences, in the score's precision, and the predicted classes of `input`.
    package func evaluate(_ input: borrowing ScoreInput) -> ScoredSamples {
        var confidences = [Double](repeating: 0, count: input.count)
        var predictions = [Int32](repeating: 0, count: input.count)
        var confidenceSpan = confidences.mutableSpan
        var predictionSpan = predictions.mutableSpan
        evaluate(input, confidences: &confidenceSpan, predictions: &predictionSpan)
        return ScoredSamples(confidences: precision.rounded(confidences), predictions: predictions)
    }
}
