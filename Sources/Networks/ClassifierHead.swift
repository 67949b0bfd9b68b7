internal import Kernels
internal import Workers

/// How features become logits.
public enum HeadKind: Equatable, Sendable {
    /// `z = W h + b`.
    case linear
    /// `z = W h / (max(‖h‖₂, 1e-12) τ) + b` in training and for accuracy; scores see the feature unnormalised.
    case t2fnorm(temperature: Float)
}

/// The last layer, with T2FNorm's feature normalisation or without.
final class ClassifierHead {
    let kind: HeadKind
    let classes: Int
    let dimension: Int
    private let weights: Range<Int>
    private let bias: Range<Int>
    private var normalized = Buffer<Float>(zeros: 0)
    private var norms = Buffer<Float>(zeros: 0)
    private var logitsGradient = Buffer<Float>(zeros: 0)
    private var normalizedGradient = Buffer<Float>(zeros: 0)
    private var report = Buffer<Double>(zeros: 0)
    private var laneGradients = Buffer<Float>(zeros: 0)
    /// Shape `[N, classes]`.
    private(set) var logits = Buffer<Float>(zeros: 0)
    /// Shape `[N, D]`; set by `backward`.
    private(set) var featureGradient = Buffer<Float>(zeros: 0)

    init(
        _ name: String, kind: HeadKind, dimension: Int, classes: Int, weightInitializer: Initializer,
        in store: ParameterStore
    ) {
        self.kind = kind
        self.classes = classes
        self.dimension = dimension
        weights = store.parameter("\(name).weight", shape: [classes, dimension], weightInitializer)
        bias = store.parameter("\(name).bias", shape: [classes], .torchDefault(fanIn: dimension))
        precondition(bias.lowerBound == weights.upperBound, "the bias follows the weights")
    }

    /// Sets `logits`, as training and accuracy use them.
    func forward(_ features: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>, _ pass: Pass) {
        switch kind {
        case .linear:
            multiply(features, parameters, into: &logits, pass)
        case .t2fnorm(let temperature):
            normalize(features, temperature, into: &normalized, norms: &norms, pass)
            multiply(normalized, parameters, into: &logits, pass)
        }
    }

    /// Sets `featureGradient` and the head's gradients of the mean cross-entropy; returns the rank's lane sums.
    ///
    /// - Returns: Shape `[lanes, 2]`: the sum of the losses, and the number of correct predictions.
    func backward(
        _ features: borrowing Buffer<Float>, labels: [Int32], store: ParameterStore, _ pass: Pass
    ) -> [Double] {
        let laneReports = differentiateLoss(
            logits, labels, into: &logitsGradient, report: &report, pass)
        switch kind {
        case .linear:
            parameterGradient(features, logitsGradient, &laneGradients, into: &store.gradients, pass)
            multiplyBack(logitsGradient, store.values, into: &featureGradient, pass)
        case .t2fnorm(let temperature):
            parameterGradient(normalized, logitsGradient, &laneGradients, into: &store.gradients, pass)
            multiplyBack(logitsGradient, store.values, into: &normalizedGradient, pass)
            denormalize(
                normalizedGradient, features, norms, temperature, into: &featureGradient, pass)
        }
        store.complete(weights.lowerBound..<bias.upperBound, pass)
        return laneReports
    }

    private func multiply(
        _ input: borrowing Buffer<Float>, _ parameters: borrowing Buffer<Float>,
        into logits: inout Buffer<Float>, _ pass: Pass
    ) {
        logits.reserve(pass.sampleCount * classes)
        let input = input.span
        let parameters = parameters.span
        var whole = logits.mutableSpan
        var used = whole.part(0..<pass.sampleCount * classes)
        linear(
            input, weights: parameters.extracting(weights), bias: parameters.extracting(bias),
            laneSize: pass.laneSize, into: &used, on: pass.pool)
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

    private func differentiateLoss(
        _ logits: borrowing Buffer<Float>, _ labels: [Int32], into gradient: inout Buffer<Float>,
        report: inout Buffer<Double>, _ pass: Pass
    ) -> [Double] {
        precondition(labels.count == pass.sampleCount, "\(labels.count) labels, \(pass.sampleCount) samples")
        let count = pass.sampleCount * classes
        gradient.reserve(count)
        report.reserve(2 * pass.sampleCount)
        let logits = logits.span.extracting(0..<count)
        let labels = labels.span
        var whole = gradient.mutableSpan
        var used = whole.part(0..<count)
        var reports = report.mutableSpan
        softmaxCrossEntropy(
            logits, labels: labels, classes: classes, batchSize: pass.placement.tree.sampleCount,
            into: &used, report: &reports)
        var lanes = Buffer<Double>(zeros: 2 * pass.placement.lanes.count)
        var laneSpan = lanes.mutableSpan
        sumSamplesInLanes(
            &reports, sampleCount: pass.sampleCount, laneSize: pass.laneSize, count: 2, into: &laneSpan)
        return lanes.copyToArray()
    }

    private func parameterGradient(
        _ input: borrowing Buffer<Float>, _ logitsGradient: borrowing Buffer<Float>,
        _ lanes: inout Buffer<Float>, into gradients: inout Buffer<Float>, _ pass: Pass
    ) {
        let laneCount = pass.placement.lanes.count
        let count = weights.count + bias.count
        lanes.reserve(laneCount * count)
        let input = input.span
        let logitsGradient = logitsGradient.span.extracting(0..<pass.sampleCount * classes)
        var whole = lanes.mutableSpan
        var used = whole.part(0..<laneCount * count)
        linearWeightGradient(
            input, outputGradient: logitsGradient, classes: classes, dimension: dimension,
            laneSize: pass.laneSize, into: &used, on: pass.pool)
        var all = gradients.mutableSpan
        var own = all.part(weights.lowerBound..<bias.upperBound)
        sumLanes(used.span, laneCount: laneCount, into: &own, on: pass.pool)
    }

    private func multiplyBack(
        _ logitsGradient: borrowing Buffer<Float>, _ parameters: borrowing Buffer<Float>,
        into inputGradient: inout Buffer<Float>, _ pass: Pass
    ) {
        inputGradient.reserve(pass.sampleCount * dimension)
        let logitsGradient = logitsGradient.span
        let weights = parameters.span.extracting(weights)
        var whole = inputGradient.mutableSpan
        var used = whole.part(0..<pass.sampleCount * dimension)
        linearInputGradient(
            logitsGradient, weights: weights, classes: classes, laneSize: pass.laneSize, into: &used,
            on: pass.pool)
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
