package import Inference
internal import Kernels

extension ScoreDefinition {
    /// Neural collapse: the predicted class's weights along the centred feature, plus its norm.
    public static let nci = ScoreDefinition(
        "nci", "w · (h − mean h) / ‖h − mean h‖ + α ‖h‖₁",
        citation: "Liu & Qin, CVPR 2025, arXiv 2311.01479, section 4", fittedOn: .trainingMean,
        settings: [.real("alpha", 1e-4, in: 0...1e6, label: "norm share", tried: [1e-4, 1e-3, 1e-2, 1e-1])]
    ) { NeuralCollapse($1, normShare: $0.real("alpha")) }
}

/// `nci`: the component of the predicted class's weights along the centred feature, plus a share of
/// the feature's L1 norm: `w · (h − μ) / ‖h − μ‖ + α ‖h‖₁`.
///
/// Liu, Qin: "Detecting out-of-distribution through the lens of neural collapse", CVPR 2025, arXiv
/// 2311.01479, section 4.
package struct NeuralCollapse: Score {
    /// The factor α of the norm.
    package let normShare: Double
    private let mean: [Float]

    package init(_ fit: FitContext, normShare: Double = 1e-4) {
        self.normShare = normShare
        mean = fit.featureMean
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let dimension = input.head.dimension
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let feature = input.features(of: sample)
            let predicted = indexOfMaximum(row)
            var (along, square, norm) = (0.0, 0.0, 0.0)
            for j in feature.indices {
                let step = Double(feature[j]) - Double(mean[j])
                along += Double(input.head.weights[predicted * dimension + j]) * step
                square += step * step
                norm += Double(abs(feature[j]))
            }
            confidences[sample] = along / square.squareRoot() + normShare * norm
            predictions[sample] = Int32(predicted)
        }
    }
}
