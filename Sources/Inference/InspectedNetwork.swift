package import Memory
package import Networks
package import Workers

/// A network in evaluation mode that gives access to its activations and to gradients with respect
/// to its images.
///
/// It processes one microbatch at a time, so the activations kept for a backward pass take as much
/// memory as a training step of one microbatch.
package final class InspectedNetwork {
    package let classifier: Classifier
    package let head: ScoringHead
    /// The standard deviation that the transform divides each channel by, shape `[3]`; it converts
    /// perturbations from image units to normalised units.
    package let deviation: [Float]
    /// Other networks whose logits are averaged with this one's.
    package let members: [InspectedNetwork]
    private let microbatchSize: Int
    package let pool: WorkerPool

    /// - Parameters:
    ///   - deviation: The standard deviation of the transform that images are read with, shape
    ///     `[3]`.
    ///   - microbatchSize: Samples in a microbatch. Apart from the image, the bits of its results
    ///     depend on this alone.
    ///   - division: Whether scores see features divided by τ.
    ///   - members: Other networks for an ensemble, with the same classes and image size.
    package init(
        _ classifier: Classifier, deviation: [Float], microbatchSize: Int, pool: WorkerPool,
        dividing division: FeatureTemperature = .automatic, members: [Classifier] = []
    ) {
        precondition(deviation.count == 3, "\(deviation.count) deviations for 3 channels")
        self.classifier = classifier
        head = ScoringHead(classifier, dividing: division)
        self.deviation = deviation
        self.members = members.map {
            precondition(
                $0.classes == classifier.classes && $0.imageCount == classifier.imageCount,
                "an ensemble of networks of \(classifier.classes) and \($0.classes) classes")
            return InspectedNetwork(
                $0, deviation: deviation, microbatchSize: microbatchSize, pool: pool, dividing: division)
        }
        self.microbatchSize = microbatchSize
        self.pool = pool
    }

    /// The values that `probe` captures for a batch, shape `[input.count, W]`.
    ///
    /// - Parameters:
    ///   - images: Shape `[input.count, H, W, 3]`, in whole microbatches except for the last.
    ///   - input: Features and logits of these images.
    package func capture(
        _ probe: any NetworkProbe, images: borrowing Buffer<Float>, _ input: borrowing ScoreInput
    ) throws -> [Float] {
        var result: [Float] = []
        for first in stride(from: 0, to: input.count, by: microbatchSize) {
            let samples = first..<min(first + microbatchSize, input.count)
            result += try probe.values(
                of: microbatch(samples, of: images.span), input.samples(samples), in: self)
        }
        return result
    }

    private func microbatch(_ samples: Range<Int>, of images: Span<Float>) -> Buffer<Float> {
        let count = classifier.imageCount
        var result = Buffer<Float>(zeros: samples.count * count)
        var own = result.mutableSpan
        copy(images, from: samples.lowerBound * count, count: samples.count * count, into: &own, at: 0)
        return result
    }

    /// The context of a pass over at most one microbatch.
    package func context(_ count: Int, _ mode: StepContext.Mode) -> StepContext {
        StepContext(
            BatchPlacement(sampleCount: count, microbatchSize: microbatchSize), mode: mode, pool: pool)
    }

    /// Raw features of images, shape `[N, D]`.
    package func features(of images: borrowing Buffer<Float>, count: Int) throws -> [Float] {
        try classifier.forward(images: images, context(count, .evaluation)).features
    }

    /// The logits that scores see, shape `[N, K]`.
    package func logits(of features: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: features.count / head.dimension * head.classes)
        var span = result.mutableSpan
        head.logits(of: features.span, microbatchSize: microbatchSize, into: &span, on: pool)
        return result
    }

    /// The gradient with respect to images, shape `[N, H, W, 3]`, of a function of the logits that
    /// scores see.
    ///
    /// - Parameter logitsGradient: Receives the logits, shape `[N, K]`; returns the gradient with
    ///   respect to them.
    package func imageGradient(
        of images: borrowing Buffer<Float>, count: Int, logitsGradient: (_ logits: [Float]) -> [Float]
    ) throws -> [Float] {
        try classifier.imageGradient(images: images, context(count, .inspection)) { features in
            head.featureGradient(of: logitsGradient(logits(of: features)))
        }.gradient
    }

    /// `images + change`, shape `[N, H, W, 3]`.
    ///
    /// - Parameter change: Receives the index of a value; returns its change.
    package func changed(
        _ images: borrowing Buffer<Float>, by change: (_ place: Int) -> Float
    ) -> Buffer<Float> {
        let source = images.span
        var result = Buffer<Float>(zeros: source.count)
        var own = result.mutableSpan
        for i in source.indices { own[i] = source[i] + change(i) }
        return result
    }
}

extension ScoringHead {
    /// The gradient with respect to features, shape `[N, D]`, from that with respect to logits,
    /// shape `[N, K]`.
    package func featureGradient(of logitsGradient: [Float]) -> [Float] {
        let count = logitsGradient.count / classes
        var result = [Float](repeating: 0, count: count * dimension)
        var gradients = result.mutableSpan
        let weights = weights.span
        for sample in 0..<count {
            var gradient = gradients.part(sample * dimension..<(sample + 1) * dimension)
            for k in 0..<classes where logitsGradient[sample * classes + k] != 0 {
                let factor = logitsGradient[sample * classes + k]
                let row = weights.extracting(k * dimension..<(k + 1) * dimension)
                for j in row.indices { gradient[j] += factor * row[j] }
            }
        }
        return result
    }
}
