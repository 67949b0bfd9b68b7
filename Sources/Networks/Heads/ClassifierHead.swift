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
    /// Features divided by norm and τ, shape `[N, D]`, and the norms, shape `[N]`.
    private var normalized = Buffer<Float>(zeros: 0)
    private var norms = Buffer<Float>(zeros: 0)
    /// Shape `[N, D]`.
    private var normalizedGradient = Buffer<Float>(zeros: 0)
    /// Shape `[N, classes]`.
    private var logitsGradient = Buffer<Float>(zeros: 0)
    /// Logits divided by norm and τ, shape `[N, classes]`, and the norms, shape `[N]`.
    private var normalizedLogits = Buffer<Float>(zeros: 0)
    private var logitNorms = Buffer<Float>(zeros: 0)
    /// Shape `[N, classes]`.
    private var normalizedLogitsGradient = Buffer<Float>(zeros: 0)
    /// Shape `[N, 2]`: the loss, and whether the prediction is correct.
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
        withSpans(
            features, into: &normalized, count: context.sampleCount * dimension,
            &norms, count: context.sampleCount
        ) {
            normalizeFeatures(
                $0, dimension: dimension, temperature: temperature, into: &$1, norms: &$2)
        }
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
            withSpans(
                normalizedGradient, features, norms, into: &featureGradient,
                count: context.sampleCount * dimension
            ) {
                featureNormalizationGradient(
                    $0, features: $1, norms: $2.extracting(0..<context.sampleCount), dimension: dimension,
                    temperature: temperature, into: &$3)
            }
        } else {
            layer.differentiate(features, outputGradient: logitsGradient, into: &store.gradients, context)
            layer.inputGradient(
                of: logitsGradient, parameters: store.values, into: &featureGradient, context)
        }
        store.complete(layer.parameters, context)
        return microbatchReports
    }

    /// Sets `logitsGradient`.
    private func differentiateLoss(
        _ targets: BatchTargets, _ loss: TrainingLoss, _ context: StepContext
    ) -> [Double] {
        let (samples, count) = (context.sampleCount, context.sampleCount * classes)
        guard let temperature = loss.logitTemperature else {
            return withSpans(logits, into: &logitsGradient, count: count, &report, count: 2 * samples) {
                differentiateCrossEntropy(
                    $0, targets, smoothing: loss.smoothing, into: &$1, report: &$2, context)
            }
        }
        withSpans(logits, into: &normalizedLogits, count: count, &logitNorms, count: samples) {
            normalizeLogits($0, classes: classes, temperature: temperature, into: &$1, norms: &$2)
        }
        let microbatchReports = withSpans(
            normalizedLogits, into: &normalizedLogitsGradient, count: count, &report, count: 2 * samples
        ) {
            differentiateCrossEntropy(
                $0, targets, smoothing: loss.smoothing, into: &$1, report: &$2, context)
        }
        withSpans(normalizedLogitsGradient, logits, logitNorms, into: &logitsGradient, count: count) {
            logitNormalizationGradient(
                $0, logits: $1, norms: $2.extracting(0..<samples), classes: classes,
                temperature: temperature, into: &$3)
        }
        return microbatchReports
    }

    private func differentiateCrossEntropy(
        _ logits: Span<Float>, _ targets: BatchTargets, smoothing: Float,
        into gradient: inout MutableSpan<Float>, report: inout MutableSpan<Double>, _ context: StepContext
    ) -> [Double] {
        precondition(
            targets.labels.count == context.sampleCount,
            "\(targets.labels.count) labels, \(context.sampleCount) samples")
        let logits = logits.extracting(0..<gradient.count)
        let labels = targets.labels.span
        let batchSize = context.placement.tree.sampleCount
        if targets.mixture == nil && smoothing == 0 {
            softmaxCrossEntropy(
                logits, labels: labels, classes: classes, batchSize: batchSize, into: &gradient,
                report: &report)
        } else {
            let mixture =
                targets.mixture
                ?? .init(partners: targets.labels, shares: [Float](repeating: 1, count: labels.count))
            mixedCrossEntropy(
                logits, labels: labels, partners: mixture.partners.span, shares: mixture.shares.span,
                smoothing: smoothing, classes: classes, batchSize: batchSize, into: &gradient,
                report: &report)
        }
        var microbatches = Buffer<Double>(zeros: 2 * context.placement.microbatches.count)
        var microbatchSpan = microbatches.mutableSpan
        sumSamplesInMicrobatches(
            &report, sampleCount: context.sampleCount, microbatchSize: context.microbatchSize, count: 2,
            into: &microbatchSpan)
        return microbatches.copyToArray()
    }
}
