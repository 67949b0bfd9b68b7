package import Inference
internal import Kernels
internal import Numerics

extension ScoreDefinition {
    /// The negated divergence from the nearest class's typical probabilities.
    public static let klm = ScoreDefinition(
        "klm", "−min over classes of KL(p ‖ mean p of the images predicted as the class)",
        citation: "Hendrycks et al., ICML 2022, arXiv 1911.11132, section 4.1",
        fittedOn: .validationFeatures,
        traits: ScoreTraits(precision: .double, choices: { _ in "double precision" })
    ) { try DivergenceMatching($1) }
}

/// `klm`: the negated smallest KL divergence of the probabilities from a class's typical ones,
/// `−min KL(p ‖ q)`.
///
/// Hendrycks, Basart, Mazeika, Zou, Kwon, Mostajabi, Steinhardt, Song: "Scaling out-of-distribution
/// detection for real-world settings", ICML 2022, arXiv 1911.11132, section 4.1. A class's typical
/// probabilities are the mean over the validation images that are predicted as this class, or
/// one-hot if there are none, as in OpenOOD.
package struct DivergenceMatching: Score {
    package let precision = ScoreDefinition.klm.precision
    /// Logarithms of the typical probabilities, shape `[K, K]`.
    private let typical: [Double]

    package init(_ fit: FitContext) throws {
        let (shard, classes) = (fit.validation, fit.head.classes)
        let sums = try shard.classSums(
            width: classes, on: fit.communicator,
            classOf: { indexOfMaximum(shard.input.logits(of: $0)) },
            values: { probabilities(shard.input.logits(of: $0)) })
        var typical: [Double] = []
        for k in 0..<classes {
            let mean = sums.mean(k) ?? (0..<classes).map { $0 == k ? 1 : 0 }
            let total = mean.reduce(0, +)
            typical += mean.map { logarithm($0 / total) }
        }
        self.typical = typical
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let classes = input.head.classes
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let own = probabilities(row)
            var information = 0.0
            for j in 0..<classes where own[j] != 0 { information += own[j] * logarithm(own[j]) }
            var smallest = Double.infinity
            for k in 0..<classes {
                var divergence = information
                for j in 0..<classes where own[j] != 0 { divergence -= own[j] * typical[k * classes + j] }
                if divergence < smallest || divergence.isNaN { smallest = divergence }
            }
            confidences[sample] = -smallest
            predictions[sample] = Int32(indexOfMaximum(row))
        }
    }
}

/// The softmax probabilities in double precision.
private func probabilities(_ row: Span<Float>) -> [Double] {
    let largest = Double(row[indexOfMaximum(row)])
    var result: [Double] = []
    var total = 0.0
    for k in row.indices {
        result.append(exponential(Double(row[k]) - largest))
        total += result[k]
    }
    return result.map { $0 / total }
}
