package import Inference

extension ScoreDefinition {
    /// DICE: energy of the weights that contribute most on the training set.
    public static let dice = ScoreDefinition(
        "dice", "energy of the weights above the percentile of W ∘ mean h",
        citation: "Sun & Li, ECCV 2022, arXiv 2111.09805, section 3", fittedOn: .trainingMean,
        settings: [.percentile(90)]
    ) { DirectedSparsification($1, percentile: $0.real("percentile")) }
}

/// `dice`: the energy of the logits computed from the weights that contribute most on the training
/// set.
///
/// Sun, Li: "DICE: Leveraging sparsification for out-of-distribution detection", ECCV 2022, arXiv
/// 2111.09805, section 3. A weight is kept if its contribution, weight times mean feature, is above
/// (not at) the percentile of all contributions.
package struct DirectedSparsification: Score {
    private let head: ScoringHead

    /// - Parameter percentile: Percentage of the weights that are set to 0.
    package init(_ fit: FitContext, percentile: Double = 90) {
        precondition((0...100).contains(percentile), "a percentile of \(percentile)")
        let weights = fit.head.weights
        let contributions = weights.indices.map { weights[$0] * fit.featureMean[$0 % fit.head.dimension] }
        let threshold = interpolatedPercentile(percentile, ofSorted: contributions.sorted())
        head = ScoringHead(
            weights: weights.indices.map { Double(contributions[$0]) > threshold ? weights[$0] : 0 },
            bias: fit.head.bias)
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        input.energies(head: head, confidences: &confidences, predictions: &predictions) { _ in }
    }
}

/// The percentile as in NumPy: linearly interpolated between the two values next to index
/// `percentile / 100 · (count − 1)`.
func interpolatedPercentile(_ percentile: Double, ofSorted values: [Float]) -> Double {
    let place = percentile / 100 * Double(values.count - 1)
    let lower = Int(place)
    let upper = min(lower + 1, values.count - 1)
    let start = Double(values[lower])
    return start + (Double(values[upper]) - start) * (place - Double(lower))
}
