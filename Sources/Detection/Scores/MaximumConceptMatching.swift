package import Inference
internal import Kernels
internal import Numerics

extension ScoreDefinition {
    /// Maximum concept matching.
    public static let mcm = ScoreDefinition(
        "mcm", "max softmax(z / T), T the temperature",
        citation: "Ming et al., NeurIPS 2022, arXiv 2211.13445, equation 1",
        settings: [.real("temperature", 1, in: 1e-3...1e6)]
    ) { MaximumConceptMatching(temperature: Float($0.real("temperature"))) }
}

/// `mcm`: the largest probability of `softmax(z / T)`.
///
/// Ming, Cai, Gu, Sun, Li, Li: "Delving into out-of-distribution detection with vision-language
/// representations", NeurIPS 2022, arXiv 2211.13445, equation 1, with a classifier's logits in
/// place of similarities. With `T` = 1 it equals `msp`.
package struct MaximumConceptMatching: Score {
    /// The divisor of the logits, above 0.
    package let temperature: Float

    package init(temperature: Float = 1) {
        precondition(temperature > 0, "a temperature of \(temperature)")
        self.temperature = temperature
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let predicted = indexOfMaximum(row)
            var sum: Float = 0
            for k in row.indices { sum += exponential((row[k] - row[predicted]) / temperature) }
            confidences[sample] = Double(1 / sum)
            predictions[sample] = Int32(predicted)
        }
    }
}
