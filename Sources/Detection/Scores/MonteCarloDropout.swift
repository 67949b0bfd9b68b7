internal import Checksums
package import Inference
internal import Kernels
internal import Numerics

extension ScoreDefinition {
    /// The largest probability of the mean logits of several passes with dropout.
    public static let dropout = ScoreDefinition(
        "dropout", "max softmax of the mean z of passes that drop elements of h",
        citation: "Gal & Ghahramani, ICML 2016, arXiv 1506.02142, section 4",
        settings: [.real("rate", 0.5, in: 0...0.99), .whole("passes", 5, in: 1...10_000)]
    ) { MonteCarloDropout(rate: Float($0.real("rate")), passes: $0.whole("passes")) }
}

/// `dropout`: the largest softmax probability of the mean logits of several passes with dropout on
/// the features.
///
/// Gal, Ghahramani: "Dropout as a Bayesian approximation: Representing model uncertainty in deep
/// learning", ICML 2016, arXiv 1506.02142, section 4, on the last layer as in OpenOOD: each pass
/// sets each element of the raw feature to 0 with probability `rate` and divides the others by
/// `1 − rate`. The feature's own bits seed the random numbers, so a sample's confidence is the same
/// each time and on every rank.
package struct MonteCarloDropout: Score {
    package let rate: Float
    package let passes: Int

    /// - Parameters:
    ///   - rate: The probability that an element is dropped, from 0 to below 1.
    ///   - passes: The number of passes whose logits are averaged.
    package init(rate: Float = 0.5, passes: Int = 5) {
        precondition((0..<1).contains(rate) && passes >= 1, "a rate of \(rate), \(passes) passes")
        self.rate = rate
        self.passes = passes
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        input.forEachLogits(head: input.head, change: drop) { sample, logits in
            confidences[sample] = Double(largestProbability(logits))
            predictions[sample] = Int32(indexOfMaximum(logits))
        }
    }

    /// Logits are affine in the feature, so the logits of the passes' mean feature are the mean of
    /// the passes' logits.
    private func drop(_ feature: inout [Float]) {
        var numbers = RandomStream(seed: feature.span.mixedBits, purpose: .dropout)
        var counts = [Float](repeating: 0, count: feature.count)
        for _ in 0..<passes {
            for j in counts.indices where numbers.uniform() >= rate { counts[j] += 1 }
        }
        for j in feature.indices { feature[j] *= counts[j] / (Float(passes) * (1 - rate)) }
    }
}

extension Span<Float> {
    /// A hash of every bit: SplitMix64 over the previous state and the next element.
    fileprivate var mixedBits: UInt64 {
        var state: UInt64 = 0
        for i in indices {
            state = splitMix64((state ^ UInt64(self[i].bitPattern)) &+ splitMix64Increment)
        }
        return state
    }
}
