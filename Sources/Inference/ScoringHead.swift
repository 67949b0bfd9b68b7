internal import Kernels
package import Networks
package import Workers

/// The last layer of a classifier as scores see it: `z = W h + b` for the raw feature `h`.
///
/// A T2FNorm network trains on `W (ĥ / τ) + b` but is scored without normalisation, on
/// `W (h / τ) + b`: τ is folded into the weights, so every score sees a plain classifier. Source:
/// Regmi, Panthi, Ming, Gyawali, Stoyanov, Bhattarai: "T2FNorm: Train-time feature normalization
/// for OOD detection in image classification", CVPR workshops 2024, arXiv 2305.17797.
package struct ScoringHead: Equatable, Sendable {
    /// Shape `[K, D]`, divided by τ if scores use it.
    package let weights: [Float]
    /// Shape `[K]`, not divided by τ.
    package let bias: [Float]

    /// `K`, the number of classes.
    package var classes: Int { bias.count }
    /// `D`, the number of features.
    package var dimension: Int { weights.count / bias.count }

    /// - Parameters:
    ///   - weights: Shape `[K, D]`, as trained.
    ///   - bias: Shape `[K]`.
    ///   - temperature: τ of a T2FNorm network, above 0; `nil` for any other network.
    ///   - division: Whether scores see features divided by τ.
    package init(
        weights: [Float], bias: [Float], temperature: Float? = nil,
        dividing division: FeatureTemperature = .automatic
    ) {
        precondition(
            !bias.isEmpty && !weights.isEmpty && weights.count.isMultiple(of: bias.count),
            "\(weights.count) weights for \(bias.count) classes")
        if let temperature = division.divisor(trained: temperature, classes: bias.count) {
            precondition(temperature > 0, "a temperature of \(temperature)")
            self.weights = weights.map { $0 / temperature }
        } else {
            self.weights = weights
        }
        self.bias = bias
    }

    /// Overwrites `logits` with the logits that scores see.
    ///
    /// - Parameters:
    ///   - features: Shape `[N, D]`, raw: not normalised.
    ///   - logits: Shape `[N, K]`.
    ///   - microbatchSize: Samples per work item. Apart from the data, the bits of the logits
    ///     depend on this alone.
    package func logits(
        of features: Span<Float>, microbatchSize: Int, into logits: inout MutableSpan<Float>,
        on pool: WorkerPool
    ) {
        linear(
            features, weights: weights.span, bias: bias.span, microbatchSize: microbatchSize, into: &logits,
            on: pool)
    }
}

extension ScoringHead {
    /// The last layer of `classifier` with τ folded in. For a network without a classifier it is a
    /// layer of zeros, which suffices for scores that use features alone.
    package init(_ classifier: Classifier, dividing division: FeatureTemperature) {
        switch classifier.headKind {
        case .linear:
            let last = classifier.lastLayer
            self.init(weights: last.weights, bias: last.bias)
        case .t2fnorm(let temperature):
            let last = classifier.lastLayer
            self.init(
                weights: last.weights, bias: last.bias, temperature: temperature, dividing: division)
        case .projection:
            // Every logit is 0; values computed from them are not shown.
            self.init(
                weights: [Float](repeating: 0, count: classifier.classes * classifier.featureDimension),
                bias: [Float](repeating: 0, count: classifier.classes))
        }
    }
}
