package import Inference
internal import Numerics

extension ScoreDefinition {
    /// ASH-B: energy of the largest features, each set to the sum of all over their number.
    public static let ash = shaping(
        "ash", "energy of the largest h, each set to Σ h over their number", .binarized)
    /// An alias of `ash`.
    public static let ashB = shaping("ash_b", "the same as `ash`", .binarized)
    /// ASH-P: energy of the largest features alone.
    public static let ashP = shaping(
        "ash_p", "energy of the largest h", .pruned, ScoreTraits(isSearchedByOpenOOD: false))
    /// ASH-S: energy of the largest features, scaled.
    public static let ashS = shaping(
        "ash_s", "energy of the largest h · exp(Σ h / Σ largest h)", .scaled,
        ScoreTraits(isSearchedByOpenOOD: false))

    private static func shaping(
        _ name: String, _ summary: String, _ variant: ActivationShaping.Variant,
        _ traits: ScoreTraits = ScoreTraits()
    ) -> ScoreDefinition {
        ScoreDefinition(
            name, summary, citation: "Djurisic et al., ICLR 2023, arXiv 2209.09858, section 3",
            settings: [.percentile(90, tried: [65, 70, 75, 80, 85, 90, 95])], traits: traits
        ) { ActivationShaping(variant, percentile: $0.real("percentile")) }
    }
}

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

    package init(_ variant: Variant, percentile: Double = 90) {
        precondition((0...100).contains(percentile), "a percentile of \(percentile)")
        self.variant = variant
        self.percentile = percentile
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        input.energies(head: input.head, confidences: &confidences, predictions: &predictions, change: shape)
    }

    private func shape(_ feature: inout [Float]) {
        let largest = LargestFeatures(of: feature, percentile: percentile)
        guard let ratio = largest.ratio else { return }
        let constant = Float(largest.sum / Double(largest.keptCount))
        let factor = Float(exponential(ratio))
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
