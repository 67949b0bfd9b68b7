package import Inference
internal import Numerics

/// `ash` (or `ash_b`), `ash_p`, `ash_s`: the energy of the features after all but the largest are
/// pruned.
///
/// Djurisic, Bozanic, Ashok, Liu: "Extremely simple activation shaping for out-of-distribution
/// detection", ICLR 2023, arXiv 2209.09858, section 3. OpenOOD's `ash` is the variant B. All-zero
/// features stay as they are; NaN stays NaN.
package struct ActivationShaping: Score {
    /// How the kept features are changed; the others become 0.
    package enum Variant: Sendable {
        /// ASH-B: each becomes the sum of all features over the number kept.
        case binarized
        /// ASH-P: they stay unchanged.
        case pruned
        /// ASH-S: they are multiplied by `exp(sum of all / sum of the kept)`.
        case scaled
    }

    package let variant: Variant
    /// Percentage of the features that are set to 0.
    package let percentile: Double

    package let name: ScoreName

    /// - Parameter name: By default the variant's name; `ash_b` is an alias of `ash`.
    package init(_ variant: Variant, percentile: Double = 90, name: ScoreName? = nil) {
        precondition((0...100).contains(percentile), "a percentile of \(percentile)")
        self.variant = variant
        self.percentile = percentile
        let ownName: ScoreName =
            switch variant {
            case .binarized: .ash
            case .pruned: .ashP
            case .scaled: .ashS
            }
        self.name = name ?? ownName
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        input.energies(head: input.head, confidences: &confidences, predictions: &predictions, change: shape)
    }

    private func shape(_ feature: inout [Float]) {
        let largest = LargestFeatures(of: feature, percentile: percentile)
        guard largest.sum.isFinite && largest.largestSum != 0 else { return }
        let constant = Float(largest.sum / Double(largest.keptCount))
        let factor = Float(exponential(largest.sum / largest.largestSum))
        largest.forEach(&feature) { value, isKept in
            switch variant {
            case _ where !isKept: value = 0
            case .binarized: value = constant
            case .pruned: break
            case .scaled: value *= factor
            }
        }
    }
}
