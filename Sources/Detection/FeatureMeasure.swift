package import Inference
internal import Kernels
package import Networks
package import Workers

/// The quantities that T2FNorm makes claims about: each sample's feature norm, and its largest
/// softmax probability with the normalised feature and with the raw feature divided by each
/// temperature of a sweep.
///
/// Regmi, Panthi, Ming, Gyawali, Stoyanov, Bhattarai: "T2FNorm: Train-time feature normalization
/// for OOD detection in image classification", CVPR workshops 2024, arXiv 2305.17797.
package struct FeatureMeasure: SampleMeasure {
    /// The default sweep of τ.
    package static let sweep: [Float] = [0.01, 0.04, 0.05, 0.1, 0.2, 0.5, 1]

    /// The temperatures of the sweep.
    package let temperatures: [Float]
    private let weights: [Float]
    private let bias: [Float]
    private let microbatchSize: Int
    private let pool: WorkerPool

    /// - Parameters:
    ///   - microbatchSize: Samples per work item. Apart from the data, the bits of the results
    ///     depend on this alone.
    package init(
        _ classifier: Classifier, temperatures: [Float] = FeatureMeasure.sweep, microbatchSize: Int,
        pool: WorkerPool
    ) {
        precondition(temperatures.allSatisfy { $0 > 0 }, "temperatures \(temperatures)")
        (weights, bias) = classifier.lastLayer
        self.temperatures = temperatures
        self.microbatchSize = microbatchSize
        self.pool = pool
    }

    package var names: [String] { ["norm", "normalized"] + temperatures.map { "tau \($0)" } }

    /// `‖h‖₂`; the largest probability of the logits that training uses; the largest probability of
    /// `W h / τ + b` for each temperature.
    package func values(of outputs: ForwardPass.Outputs) -> [[Float]] {
        let products = products(outputs.features)
        return [norms(of: outputs), largestProbabilities(outputs.logits.span, classes: bias.count)]
            + temperatures.map { temperature in
                let logits = products.indices.map { products[$0] / temperature + bias[$0 % bias.count] }
                return largestProbabilities(logits.span, classes: bias.count)
            }
    }

    private func norms(of outputs: ForwardPass.Outputs) -> [Float] {
        let dimension = weights.count / bias.count
        let features = outputs.features.span
        var norms = [Float](repeating: 0, count: outputs.labels.count)
        for sample in norms.indices {
            let row = features.extracting(sample * dimension..<(sample + 1) * dimension)
            norms[sample] = dotProduct(row, row).squareRoot()
        }
        return norms
    }

    /// `W h`, shape `[N, K]`.
    private func products(_ features: [Float]) -> [Float] {
        let none = [Float](repeating: 0, count: bias.count)
        let dimension = weights.count / bias.count
        var products = [Float](repeating: 0, count: features.count / dimension * bias.count)
        var span = products.mutableSpan
        linear(
            features.span, weights: weights.span, bias: none.span, microbatchSize: microbatchSize,
            into: &span, on: pool)
        return products
    }
}
