internal import Kernels
internal import Workers

/// What becomes of features.
public enum HeadKind: Equatable, Sendable {
    /// `z = W h + b`.
    case linear
    /// `z = W h / (max(‖h‖₂, 1e-12) τ) + b` in training and for accuracy; scores see the feature unnormalised.
    case t2fnorm(temperature: Float)
    /// No logits: two linear layers with a rectifier between give `outputs` numbers of length 1, which samples are compared by;
    /// scores see the features divided by their length.
    case projection(outputs: Int)

    /// Whether there are logits, and so predicted classes.
    public var isClassifier: Bool {
        if case .projection = self { false } else { true }
    }
}

/// The last layer, with T2FNorm's feature normalisation or without.
final class ClassifierHead {
    let classes: Int
    let dimension: Int
    /// τ of T2FNorm; `nil` for features as they are.
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
    func byteCount(_ pass: Pass) -> Int {
        4 * pass.sampleCount * (dimension * 4 + classes * 2)
            + (pass.mode == .training ? layer.byteCount(pass) : 0)
    }

    /// Sets `logits`, as training and accuracy use them.
    func forward(_ features: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>, _ pass: Pass) {
        guard let temperature else {
            layer.forward(features, parameters: parameters, into: &logits, pass)
            return
        }
        normalize(features, temperature, into: &normalized, norms: &norms, pass)
        layer.forward(normalized, parameters: parameters, into: &logits, pass)
    }

    /// Sets `featureGradient` and the head's gradients of the mean loss; returns the rank's lane sums.
    ///
    /// - Returns: Shape `[lanes, 2]`: the sum of the losses, and the number of correct predictions.
    func backward(
        _ features: borrowing Buffer<Float>, _ targets: BatchTargets, _ loss: TrainingLoss,
        store: ParameterStore, _ pass: Pass
    ) -> [Double] {
        let laneReports = differentiateLoss(targets, loss, pass)
        if let temperature {
            layer.differentiate(
                normalized, outputGradient: logitsGradient, into: &store.gradients, pass)
            layer.inputGradient(
                of: logitsGradient, parameters: store.values, into: &normalizedGradient, pass)
            denormalize(
                normalizedGradient, features, norms, temperature, into: &featureGradient, pass)
        } else {
            layer.differentiate(features, outputGradient: logitsGradient, into: &store.gradients, pass)
            layer.inputGradient(
                of: logitsGradient, parameters: store.values, into: &featureGradient, pass)
        }
        store.complete(layer.parameters, pass)
        return laneReports
    }

    private func normalize(
        _ features: borrowing Buffer<Float>, _ temperature: Float, into normalized: inout Buffer<Float>,
        norms: inout Buffer<Float>, _ pass: Pass
    ) {
        normalized.reserve(pass.sampleCount * dimension)
        norms.reserve(pass.sampleCount)
        let features = features.span
        var own = normalized.mutableSpan
        var wholeNorms = norms.mutableSpan
        var usedNorms = wholeNorms.part(0..<pass.sampleCount)
        normalizeFeatures(
            features, dimension: dimension, temperature: temperature, into: &own, norms: &usedNorms)
    }

    /// Sets `logitsGradient`.
    private func differentiateLoss(
        _ targets: BatchTargets, _ loss: TrainingLoss, _ pass: Pass
    ) -> [Double] {
        guard let temperature = loss.logitTemperature else {
            return differentiateCrossEntropy(
                logits, targets, smoothing: loss.smoothing, into: &logitsGradient, report: &report, pass)
        }
        normalize(logits, temperature, into: &normalizedLogits, logitNorms: &logitNorms, pass)
        let laneReports = differentiateCrossEntropy(
            normalizedLogits, targets, smoothing: loss.smoothing, into: &normalizedLogitsGradient,
            report: &report, pass)
        denormalize(
            normalizedLogitsGradient, logits: logits, logitNorms, temperature, into: &logitsGradient, pass)
        return laneReports
    }

    private func normalize(
        _ logits: borrowing Buffer<Float>, _ temperature: Float, into normalized: inout Buffer<Float>,
        logitNorms: inout Buffer<Float>, _ pass: Pass
    ) {
        normalized.reserve(pass.sampleCount * classes)
        logitNorms.reserve(pass.sampleCount)
        let logits = logits.span
        var own = normalized.mutableSpan
        var wholeNorms = logitNorms.mutableSpan
        var usedNorms = wholeNorms.part(0..<pass.sampleCount)
        normalizeLogits(
            logits, classes: classes, temperature: temperature, into: &own, norms: &usedNorms)
    }

    private func denormalize(
        _ normalizedGradient: borrowing Buffer<Float>, logits: borrowing Buffer<Float>,
        _ norms: borrowing Buffer<Float>, _ temperature: Float, into logitsGradient: inout Buffer<Float>,
        _ pass: Pass
    ) {
        logitsGradient.reserve(pass.sampleCount * classes)
        let normalizedGradient = normalizedGradient.span
        let logits = logits.span
        let norms = norms.span.extracting(0..<pass.sampleCount)
        var own = logitsGradient.mutableSpan
        logitNormalizationGradient(
            normalizedGradient, logits: logits, norms: norms, classes: classes, temperature: temperature,
            into: &own)
    }

    private func differentiateCrossEntropy(
        _ logits: borrowing Buffer<Float>, _ targets: BatchTargets, smoothing: Float,
        into gradient: inout Buffer<Float>, report: inout Buffer<Double>, _ pass: Pass
    ) -> [Double] {
        precondition(
            targets.labels.count == pass.sampleCount,
            "\(targets.labels.count) labels, \(pass.sampleCount) samples")
        let count = pass.sampleCount * classes
        gradient.reserve(count)
        report.reserve(2 * pass.sampleCount)
        let logits = logits.span.extracting(0..<count)
        let labels = targets.labels.span
        var whole = gradient.mutableSpan
        var used = whole.part(0..<count)
        var reports = report.mutableSpan
        let batchSize = pass.placement.tree.sampleCount
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
        var lanes = Buffer<Double>(zeros: 2 * pass.placement.lanes.count)
        var laneSpan = lanes.mutableSpan
        sumSamplesInLanes(
            &reports, sampleCount: pass.sampleCount, laneSize: pass.laneSize, count: 2, into: &laneSpan)
        return lanes.copyToArray()
    }

    private func denormalize(
        _ normalizedGradient: borrowing Buffer<Float>, _ features: borrowing Buffer<Float>,
        _ norms: borrowing Buffer<Float>, _ temperature: Float, into featureGradient: inout Buffer<Float>,
        _ pass: Pass
    ) {
        featureGradient.reserve(pass.sampleCount * dimension)
        let normalizedGradient = normalizedGradient.span
        let features = features.span
        let norms = norms.span.extracting(0..<pass.sampleCount)
        var own = featureGradient.mutableSpan
        featureNormalizationGradient(
            normalizedGradient, features: features, norms: norms, dimension: dimension,
            temperature: temperature, into: &own)
    }
}
