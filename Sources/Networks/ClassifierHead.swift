internal import Kernels
internal import Memory
internal import Numerics

/// The layers after the features: from a feature `h`, shape `[D]`, to the logits `z`, shape
/// `[classes]`.
public enum HeadKind: Equatable, Sendable {
    /// `z = W h + b`.
    case linear
    /// `z = W h / (max(‖h‖₂, 1e-12) τ) + b` in training and for accuracy; scores see the feature
    /// unnormalised. Source: Regmi et al., "T2FNorm: Train-time feature normalization for OOD
    /// detection in image classification", 2024, arXiv 2305.17797, section 3.
    ///
    /// `temperature` is τ, above 0.
    case t2fnorm(temperature: Float)
    /// No logits: two linear layers with a ReLU between them compute `outputs` values of L2 norm 1,
    /// by which samples are compared; scores see the features divided by their L2 norm.
    case projection(outputs: Int)

    /// Whether the head computes logits, and so predicts classes.
    public var isClassifier: Bool {
        if case .projection = self { false } else { true }
    }

    /// The head in words, with its article.
    package var phrase: String {
        switch self {
        case .linear: "a linear head"
        case .t2fnorm(let temperature): "a T2FNorm head of temperature \(temperature)"
        case .projection(let outputs): "a projection head of \(outputs) outputs"
        }
    }
}

/// The last layer, with T2FNorm's feature normalisation or without.
final class ClassifierHead {
    let classes: Int
    let dimension: Int
    /// τ of T2FNorm; `nil` for unnormalised features.
    private let temperature: Float?
    private let layer: LinearLayer
    private var normalized = Buffer<Float>(zeros: 0)
    private var norms = Buffer<Float>(zeros: 0)
    private var logitsGradient = Buffer<Float>(zeros: 0)
    private var normalizedGradient = Buffer<Float>(zeros: 0)
    private var normalizedLogits = Buffer<Float>(zeros: 0)
    private var logitNorms = Buffer<Float>(zeros: 0)
    private var normalizedLogitsGradient = Buffer<Float>(zeros: 0)
    private var report = Buffer<Double>(zeros: 0)
    /// Shape `[N, classes]`.
    private(set) var logits = Buffer<Float>(zeros: 0)
    /// Shape `[N, D]`; set by `backward`.
    private(set) var featureGradient = Buffer<Float>(zeros: 0)

    init(
        _ name: String, temperature: Float?, dimension: Int, classes: Int, weightInitializer: Initializer,
        in store: ParameterStore
    ) {
        self.temperature = temperature
        self.classes = classes
        self.dimension = dimension
        layer = LinearLayer(
            name, inputs: dimension, outputs: classes, weight: weightInitializer, in: store)
    }

    /// Bytes that the head takes beside its parameters.
    func byteCount(_ context: StepContext) -> Int {
        4 * context.sampleCount * (dimension * 4 + classes * 2)
            + (context.mode == .training ? layer.byteCount(context) : 0)
    }

    /// Sets `logits`, as training and accuracy use them.
    func forward(
        _ features: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>, _ context: StepContext
    ) {
        guard let temperature else {
            layer.forward(features, parameters: parameters, into: &logits, context)
            return
        }
        normalize(features, temperature, into: &normalized, norms: &norms, context)
        layer.forward(normalized, parameters: parameters, into: &logits, context)
    }

    /// Sets `featureGradient` and the head's gradients of the mean loss; returns the rank's
    /// microbatch sums.
    ///
    /// - Returns: Shape `[microbatches, 2]`: the sum of the losses, and the number of correct
    ///   predictions.
    func backward(
        _ features: borrowing Buffer<Float>, _ targets: BatchTargets, _ loss: TrainingLoss,
        store: ParameterStore, _ context: StepContext
    ) -> [Double] {
        let microbatchReports = differentiateLoss(targets, loss, context)
        if let temperature {
            layer.differentiate(
                normalized, outputGradient: logitsGradient, into: &store.gradients, context)
            layer.inputGradient(
                of: logitsGradient, parameters: store.values, into: &normalizedGradient, context)
            denormalize(
                normalizedGradient, features, norms, temperature, into: &featureGradient, context)
        } else {
            layer.differentiate(features, outputGradient: logitsGradient, into: &store.gradients, context)
            layer.inputGradient(
                of: logitsGradient, parameters: store.values, into: &featureGradient, context)
        }
        store.complete(layer.parameters, context)
        return microbatchReports
    }

    private func normalize(
        _ features: borrowing Buffer<Float>, _ temperature: Float, into normalized: inout Buffer<Float>,
        norms: inout Buffer<Float>, _ context: StepContext
    ) {
        normalized.reserve(context.sampleCount * dimension)
        norms.reserve(context.sampleCount)
        let features = features.span
        var own = normalized.mutableSpan
        var wholeNorms = norms.mutableSpan
        var usedNorms = wholeNorms.part(0..<context.sampleCount)
        normalizeFeatures(
            features, dimension: dimension, temperature: temperature, into: &own, norms: &usedNorms)
    }

    /// Sets `logitsGradient`.
    private func differentiateLoss(
        _ targets: BatchTargets, _ loss: TrainingLoss, _ context: StepContext
    ) -> [Double] {
        guard let temperature = loss.logitTemperature else {
            return differentiateCrossEntropy(
                logits, targets, smoothing: loss.smoothing, into: &logitsGradient, report: &report, context)
        }
        normalize(logits, temperature, into: &normalizedLogits, logitNorms: &logitNorms, context)
        let microbatchReports = differentiateCrossEntropy(
            normalizedLogits, targets, smoothing: loss.smoothing, into: &normalizedLogitsGradient,
            report: &report, context)
        denormalize(
            normalizedLogitsGradient, logits: logits, logitNorms, temperature, into: &logitsGradient, context)
        return microbatchReports
    }

    private func normalize(
        _ logits: borrowing Buffer<Float>, _ temperature: Float, into normalized: inout Buffer<Float>,
        logitNorms: inout Buffer<Float>, _ context: StepContext
    ) {
        normalized.reserve(context.sampleCount * classes)
        logitNorms.reserve(context.sampleCount)
        let logits = logits.span
        var own = normalized.mutableSpan
        var wholeNorms = logitNorms.mutableSpan
        var usedNorms = wholeNorms.part(0..<context.sampleCount)
        normalizeLogits(
            logits, classes: classes, temperature: temperature, into: &own, norms: &usedNorms)
    }

    private func denormalize(
        _ normalizedGradient: borrowing Buffer<Float>, logits: borrowing Buffer<Float>,
        _ norms: borrowing Buffer<Float>, _ temperature: Float, into logitsGradient: inout Buffer<Float>,
        _ context: StepContext
    ) {
        logitsGradient.reserve(context.sampleCount * classes)
        let normalizedGradient = normalizedGradient.span
        let logits = logits.span
        let norms = norms.span.extracting(0..<context.sampleCount)
        var own = logitsGradient.mutableSpan
        logitNormalizationGradient(
            normalizedGradient, logits: logits, norms: norms, classes: classes, temperature: temperature,
            into: &own)
    }

    private func differentiateCrossEntropy(
        _ logits: borrowing Buffer<Float>, _ targets: BatchTargets, smoothing: Float,
        into gradient: inout Buffer<Float>, report: inout Buffer<Double>, _ context: StepContext
    ) -> [Double] {
        precondition(
            targets.labels.count == context.sampleCount,
            "\(targets.labels.count) labels, \(context.sampleCount) samples")
        let count = context.sampleCount * classes
        gradient.reserve(count)
        report.reserve(2 * context.sampleCount)
        let logits = logits.span.extracting(0..<count)
        let labels = targets.labels.span
        var whole = gradient.mutableSpan
        var used = whole.part(0..<count)
        var reports = report.mutableSpan
        let batchSize = context.placement.tree.sampleCount
        if targets.mixture == nil && smoothing == 0 {
            softmaxCrossEntropy(
                logits, labels: labels, classes: classes, batchSize: batchSize, into: &used,
                report: &reports)
        } else {
            let mixture =
                targets.mixture
                ?? .init(partners: targets.labels, shares: [Float](repeating: 1, count: labels.count))
            mixedCrossEntropy(
                logits, labels: labels, partners: mixture.partners.span, shares: mixture.shares.span,
                smoothing: smoothing, classes: classes, batchSize: batchSize, into: &used,
                report: &reports)
        }
        var microbatches = Buffer<Double>(zeros: 2 * context.placement.microbatches.count)
        var microbatchSpan = microbatches.mutableSpan
        sumSamplesInMicrobatches(
            &reports, sampleCount: context.sampleCount, microbatchSize: context.microbatchSize, count: 2,
            into: &microbatchSpan)
        return microbatches.copyToArray()
    }

    private func denormalize(
        _ normalizedGradient: borrowing Buffer<Float>, _ features: borrowing Buffer<Float>,
        _ norms: borrowing Buffer<Float>, _ temperature: Float, into featureGradient: inout Buffer<Float>,
        _ context: StepContext
    ) {
        featureGradient.reserve(context.sampleCount * dimension)
        let normalizedGradient = normalizedGradient.span
        let features = features.span
        let norms = norms.span.extracting(0..<context.sampleCount)
        var own = featureGradient.mutableSpan
        featureNormalizationGradient(
            normalizedGradient, features: features, norms: norms, dimension: dimension,
            temperature: temperature, into: &own)
    }
}
