package import Inference
internal import Kernels
internal import Memory
internal import Networks
internal import Numerics

extension ScoreDefinition {
    /// Log density of a Gaussian mixture at the second stage's activation map.
    public static let gmm = ScoreDefinition(
        "gmm", "log(Σ of a mixture's Gaussians + 1e-45), of the second stage's map's principal coordinates",
        citation: "Yang et al., IJCV 2023, arXiv 2204.05306, section 4", fittedOn: .trainingFeatures,
        settings: [
            .whole("components", 50, in: 1...1000), .whole("dimension", 50, in: 1...1000),
            .whole("oversampling", 10, in: 0...1000), .whole("rounds", 5, in: 1...100),
        ],
        traits: ScoreTraits(
            passes:
                "1 more forward pass for each image scored, rounds + 1 (6 by default) for each training image"
        )
    ) {
        try GaussianMixture(
            $1, components: $0.whole("components"), dimension: $0.whole("dimension"),
            more: $0.whole("oversampling"), rounds: $0.whole("rounds"))
    }
}

/// `gmm`: the log density of a Gaussian mixture at the principal coordinates of the second stage's
/// activation map.
///
/// Yang, Zhou, Liu: "Full-spectrum out-of-distribution detection", IJCV 2023, arXiv 2204.05306,
/// section 4, as OpenOOD configures it: of three layers only the third has a weight. There are
/// fifty coordinates, fifty Gaussians with one shared covariance, and no normalising constant. Far
/// from all Gaussians the density underflows and the added 10⁻⁴⁵ remains.
package struct GaussianMixture: Score {
    package let probe: (any NetworkProbe)?

    /// Collective; reads the training images `rounds + 1` times.
    ///
    /// - Parameters:
    ///   - components: The number of Gaussians.
    ///   - dimension: The number of principal coordinates.
    ///   - more: Extra directions (oversampling) of the subspace iteration.
    ///   - rounds: Rounds of the subspace iteration.
    package init(
        _ fit: FitContext, components: Int = 50, dimension: Int = 50, more: Int = 10, rounds: Int = 5
    ) throws {
        precondition(
            components >= 1 && dimension >= 1 && more >= 0 && rounds >= 1,
            "\(components) components in \(dimension) of \(dimension + more) dimensions after \(rounds) rounds"
        )
        let stage = min(2, fit.network.classifier.stageCount)
        let directions = try MapDirections(fit, stage: stage, count: dimension, more: more, rounds: rounds)
        let mixture = try MixtureFit(
            directions.training, first: fit.firstTrainingRecord, components: components, on: fit.communicator)
        probe = MixtureDensity(
            projection: Projection(map: directions.map, stage: stage), density: try mixture.density(),
            weights: mixture.weights,
            key: "mixture density \(components) \(dimension) \(more) \(rounds)")
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) { input.copyCaptured(into: &confidences, &predictions) }
}

/// The confidence and the predicted class, shape `[N, 2]`.
private struct MixtureDensity: NetworkProbe {
    let projection: Projection
    let density: Gaussian
    let weights: [Double]
    /// Has the settings, as all scores share what probes of one key capture.
    let key: String

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        let coordinates = try projection.values(of: images, input, in: network)
        let distances = density.distances(coordinates.span, count: input.count)
        return (0..<input.count).flatMap { sample in
            var sum = 1e-45
            for (m, weight) in weights.enumerated() {
                sum += weight * exponential(-distances[sample * weights.count + m] / 2)
            }
            return [Float(logarithm(sum)), Float(indexOfMaximum(input.logits(of: sample)))]
        }
    }
}
