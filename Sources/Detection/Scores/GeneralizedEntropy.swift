package import Inference
internal import Kernels
internal import Numerics

extension ScoreDefinition {
    /// GEN, the generalised entropy.
    public static let gen = ScoreDefinition(
        "gen", "−Σ pᵞ(1 − p)ᵞ over the largest p, γ the exponent",
        citation: "Liu et al., CVPR 2023, equation 3",
        settings: [
            .real("exponent", 0.1, in: 1e-3...100, tried: [0.01, 0.1, 0.5, 1, 2, 5, 10]),
            .whole("count", 100, in: 1...1_000_000, tried: [10, 50, 100, 200, 500, 1000]),
        ]
    ) { GeneralizedEntropy(exponent: Float($0.real("exponent")), count: $0.whole("count")) }
}

/// `gen`: the negated generalised entropy of the largest probabilities, `−Σ pᵞ (1 − p)ᵞ`.
///
/// Liu, Lochman, Zach: "GEN: Pushing the limits of softmax-based out-of-distribution detection",
/// CVPR 2023, equation 3. `1 − p` is in single precision as in OpenOOD: for `p` near 1 it is
/// coarse, which γ = 0.1 makes visible.
package struct GeneralizedEntropy: Score {
    /// The exponent γ, above 0.
    package let exponent: Float
    /// How many of the largest probabilities are summed; all if there are fewer classes.
    package let count: Int

    package init(exponent: Float = 0.1, count: Int = 100) {
        precondition(exponent > 0 && count >= 1, "an exponent of \(exponent) over \(count) probabilities")
        self.exponent = exponent
        self.count = count
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        var probabilities = [Float](repeating: 0, count: input.head.classes)
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let predicted = indexOfMaximum(row)
            let sum = exponentialSum(row, below: row[predicted])
            for k in row.indices { probabilities[k] = exponential(row[k] - row[predicted]) / sum }
            if count < probabilities.count { probabilities.sort(by: >) }
            var entropy: Float = 0
            for p in probabilities.prefix(count) { entropy += power(p, exponent) * power(1 - p, exponent) }
            confidences[sample] = Double(-entropy)
            predictions[sample] = Int32(predicted)
        }
    }
}
