public import Kernels
public import Networks
public import Workers

/// A network in evaluation whose images can be changed and whose inside can be seen.
///
/// Batches go through it a lane at a time: what a backward pass keeps takes as much memory as a training step of one lane.
public final class InspectedNetwork {
    let classifier: Classifier
    let head: ScoringHead
    /// What a channel's values were divided by after reading, shape `[3]`; changes of images are in units of it.
    let deviation: [Float]
    /// Other networks whose logits are averaged with this one's.
    let members: [InspectedNetwork]
    private let laneSize: Int
    let pool: WorkerPool

    /// - Parameters:
    ///   - deviation: Of the transform that images are read with, shape `[3]`.
    ///   - laneSize: Samples in a lane; an image's bits depend on it, as on nothing else here.
    ///   - options: What can be chosen of scores.
    ///   - members: Other networks of the same classes and images, for an ensemble.
    public init(
        _ classifier: Classifier, deviation: [Float], laneSize: Int, pool: WorkerPool,
        options: ScoreOptions = ScoreOptions(), members: [Classifier] = []
    ) {
        precondition(deviation.count == 3, "\(deviation.count) deviations of 3 channels")
        self.classifier = classifier
        head = ScoringHead(classifier, options)
        self.deviation = deviation
        self.members = members.map {
            precondition(
                $0.classes == classifier.classes && $0.imageCount == classifier.imageCount,
                "an ensemble of networks of \(classifier.classes) and \($0.classes) classes")
            return InspectedNetwork(
                $0, deviation: deviation, laneSize: laneSize, pool: pool, options: options)
        }
        self.laneSize = laneSize
        self.pool = pool
    }

    /// What `observation` gives for a batch, shape `[input.count, W]`.
    ///
    /// - Parameters:
    ///   - images: Shape `[input.count, H, W, 3]`, of whole lanes but for the last.
    ///   - input: Features and logits of these images.
    public func observe(
        _ observation: any Observation, images: borrowing Buffer<Float>, _ input: borrowing ScoreInput
    ) throws -> [Float] {
        var result: [Float] = []
        for first in stride(from: 0, to: input.count, by: laneSize) {
            let samples = first..<min(first + laneSize, input.count)
            result += try observation.values(of: lane(samples, of: images), input.samples(samples), in: self)
        }
        return result
    }

    private func lane(_ samples: Range<Int>, of images: borrowing Buffer<Float>) -> Buffer<Float> {
        let count = classifier.imageCount
        let source = images.span.extracting(samples.lowerBound * count..<samples.upperBound * count)
        var result = Buffer<Float>(zeros: source.count)
        var own = result.mutableSpan
        for i in source.indices { own[i] = source[i] }
        return result
    }

    /// A pass over one lane or less.
    func pass(_ count: Int, _ mode: Pass.Mode) -> Pass {
        Pass(BatchPlacement(sampleCount: count, laneSize: laneSize), mode: mode, pool: pool)
    }

    /// Raw features of images, shape `[N, D]`.
    func features(of images: borrowing Buffer<Float>, count: Int) throws -> [Float] {
        try classifier.forward(images: images, pass(count, .evaluation)).features
    }

    /// The logits that scores see, shape `[N, K]`.
    func logits(of features: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: features.count / head.dimension * head.classes)
        var span = result.mutableSpan
        head.logits(of: features.span, laneSize: laneSize, into: &span, on: pool)
        return result
    }

    /// The gradient of images, shape `[N, H, W, 3]`, of something that looks at the logits that scores see.
    ///
    /// - Parameter logitsGradient: Gets the logits, shape `[N, K]`; gives their gradient.
    func imageGradient(
        of images: borrowing Buffer<Float>, count: Int, logitsGradient: (_ logits: [Float]) -> [Float]
    ) throws -> [Float] {
        try classifier.imageGradient(images: images, pass(count, .inspection)) { features in
            head.featureGradient(of: logitsGradient(logits(of: features)))
        }.gradient
    }

    /// `images + scale[c] · change`, shape `[N, H, W, 3]`.
    ///
    /// - Parameter change: Gets a value's place.
    func changed(
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
    /// The gradient with respect to features, shape `[N, D]`, from that with respect to logits, shape `[N, K]`.
    func featureGradient(of logitsGradient: [Float]) -> [Float] {
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
