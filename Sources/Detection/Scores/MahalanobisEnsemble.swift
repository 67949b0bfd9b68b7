package import Inference
internal import Kernels
internal import Memory
internal import Networks

extension ScoreDefinition {
    /// `mds` of the first layer's activation map for a perturbed image.
    public static let mdsEnsemble = ScoreDefinition(
        "mds_ensemble",
        "−½ (squared Mahalanobis distance of the first layer's mean map of x′ to the nearest class mean)",
        citation: "Lee et al., NeurIPS 2018, arXiv 1807.03888, sections 2.1 and 2.2",
        fittedOn: .trainingFeatures, settings: [.real("magnitude", 0.0014, in: 0...1)],
        traits: ScoreTraits(
            passes:
                "2 forward passes and 1 backward pass of the first layer for each image scored, 1 forward pass of it for each training image"
        )
    ) { try MahalanobisEnsemble($1, magnitude: Float($0.real("magnitude"))) }
}

/// `mds_ensemble`: half the negated squared Mahalanobis distance from the stem's activation map,
/// averaged over positions, to the nearest class mean, for an image perturbed towards that mean.
///
/// Lee, Lee, Lee, Shin: "A simple unified framework for detecting out-of-distribution samples and
/// adversarial attacks", NeurIPS 2018, arXiv 1807.03888, sections 2.1 and 2.2, as OpenOOD
/// configures it: the first layer alone, with weight 1, as in the published rows. The paper weights
/// all layers by a regression on out-of-distribution images.
package struct MahalanobisEnsemble: Score {
    package let probe: (any NetworkProbe)?

    /// Collective.
    ///
    /// - Parameter magnitude: The change of a value of the image, in units of half its range before
    ///   normalisation.
    package init(_ fit: FitContext, magnitude: Float = 0.0014) throws {
        precondition(magnitude >= 0, "a magnitude of \(magnitude)")
        let means = try fit.trainingShard(of: StemMeans())
        probe = StemDistance(
            classes: try Gaussian(classesOf: means, on: fit.communicator, score: .mdsEnsemble),
            magnitude: magnitude)
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) { input.copyCaptured(into: &confidences, &predictions) }
}

/// The stem's activation map averaged over positions, shape `[N, C]`.
private struct StemMeans: NetworkProbe {
    let key = "stem means"

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        var means: [Float] = []
        let count = input.count
        try network.classifier.showStem(images: images, network.context(count, .inspection)) {
            means = stemMeans($0, count: count) ?? means
        }
        return means
    }
}

/// The means of a layer's activation map if the layer is the stem; `nil` for any other layer.
private func stemMeans(_ layer: borrowing LayerOutput, count: Int) -> [Float]? {
    guard layer.kind == .stage(0) else { return nil }
    return (0..<count).flatMap { sample in
        let map = layer.map(ofSample: sample)
        var sums = [Double](repeating: 0, count: layer.channels)
        for (place, value) in map.enumerated() { sums[place % layer.channels] += Double(value) }
        return sums.map { Float($0 / Double(layer.positions)) }
    }
}

/// The confidence of the perturbed image and the nearest class of the original image, shape
/// `[N, 2]`.
private struct StemDistance: NetworkProbe {
    let classes: Gaussian
    let magnitude: Float

    var key: String { "stem distance \(magnitude)" }

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        let count = input.count
        let (channels, positions) = network.classifier.mapShape(ofStage: 0)
        var means: [Float] = []
        var nearest: [Int] = []
        let gradient = try network.classifier.imageGradient(
            images: images, network.context(count, .inspection),
            observing: { means = stemMeans($0, count: count) ?? means },
            mapGradient: {
                let (classes, gradient) = classes.nearest(means.span, count: count)
                nearest = classes
                var result: [Float] = []
                result.reserveCapacity(count * positions * channels)
                for sample in 0..<count {
                    let row = gradient[sample * channels..<(sample + 1) * channels].map {
                        Float($0 / Double(positions))
                    }
                    for _ in 0..<positions { result += row }
                }
                return result
            })
        let changed = network.changed(images) { (gradient[$0] >= 0 ? -magnitude : magnitude) / 0.5 }
        try network.classifier.showStem(images: changed, network.context(count, .inspection)) {
            means = stemMeans($0, count: count) ?? means
        }
        let distances = classes.smallestDistances(means.span, count: count)
        return zip(distances, nearest).flatMap { [Float(-$0 / 2), Float($1)] }
    }
}
