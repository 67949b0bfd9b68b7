internal import Kernels
internal import Networks

/// `mds_ensemble`: half the negated squared Mahalanobis distance of the stem's mean map to the nearest class, of an image that was moved
/// towards it.
///
/// Lee, Lee, Lee, Shin: "A simple unified framework for detecting out-of-distribution samples and adversarial attacks", NeurIPS 2018,
/// arXiv 1807.03888, sections 2.1 and 2.2, as OpenOOD configures it: the first layer alone, with weight 1, which the published rows show.
/// The paper weighs all layers by a regression on out-of-distribution images.
public struct MahalanobisEnsemble: Score {
    public let name = ScoreName.mdsEnsemble
    public let observation: (any Observation)?

    /// Collective.
    ///
    /// - Parameter magnitude: How far a value of the image is moved, in units of half its range before normalisation.
    public init(_ fit: ScoreFit, magnitude: Float = 0.0014) throws {
        precondition(magnitude >= 0, "a magnitude of \(magnitude)")
        let means = try fit.trainingShare(of: StemMeans())
        observation = StemDistance(
            classes: try Gaussian(classesOf: means, on: fit.communicator, score: .mdsEnsemble),
            magnitude: magnitude)
    }

    public func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) { input.copyObserved(into: &confidences, &predictions) }
}

/// The stem's map averaged over its positions, shape `[N, C]`.
private struct StemMeans: Observation {
    let key = "stem means"

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        var means: [Float] = []
        let count = input.count
        try network.classifier.showStem(images: images, network.pass(count, .inspection)) {
            means = stemMeans($0, count: count) ?? means
        }
        return means
    }
}

/// The means of a layer's map if it is the stem's; `nil` of any other.
private func stemMeans(_ layer: borrowing LayerOutput, count: Int) -> [Float]? {
    guard layer.kind == .stage(0) else { return nil }
    return (0..<count).flatMap { sample in
        let map = layer.map(ofSample: sample)
        var sums = [Double](repeating: 0, count: layer.channels)
        for (place, value) in map.enumerated() { sums[place % layer.channels] += Double(value) }
        return sums.map { Float($0 / Double(layer.positions)) }
    }
}

/// Confidence of the changed image, and the nearest class of the unchanged one.
private struct StemDistance: Observation {
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
            images: images, network.pass(count, .inspection),
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
        try network.classifier.showStem(images: changed, network.pass(count, .inspection)) {
            means = stemMeans($0, count: count) ?? means
        }
        let distances = classes.smallestDistances(means.span, count: count)
        return zip(distances, nearest).flatMap { [Float(-$0 / 2), Float($1)] }
    }
}
