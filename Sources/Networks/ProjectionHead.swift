internal import Kernels
internal import Workers

/// Two linear layers with a rectifier between, whose results are divided by their length, and the loss over all pairs of a batch.
///
/// Named as in OpenOOD's networks for contrastive methods: `head.0` from D to D, `head.2` from D to `outputs`. The loss is that of
/// `PairSums`. Every rank gets the outputs of all samples, and differentiates by those of its own.
final class ProjectionHead {
    let dimension: Int
    let outputs: Int
    private let first: LinearLayer
    private let second: LinearLayer
    /// Shape `[N, D]`, rectified.
    private var hidden = Buffer<Float>(zeros: 0)
    private var hiddenGradient = Buffer<Float>(zeros: 0)
    /// Shape `[N, outputs]`: before and after the division.
    private var projected = Buffer<Float>(zeros: 0)
    private var normalized = Buffer<Float>(zeros: 0)
    private var norms = Buffer<Float>(zeros: 0)
    private var projectedGradient = Buffer<Float>(zeros: 0)
    private var normalizedGradient = Buffer<Float>(zeros: 0)
    /// Of the global batch: outputs, shape `[M, outputs]`, and labels, shape `[M]`.
    private var allOutputs = Buffer<Float>(zeros: 0)
    private var allLabels = Buffer<Int32>(zeros: 0)
    private var message = Buffer<Double>(zeros: 0)
    /// Shape `[N, M]`.
    private var coefficients = Buffer<Float>(zeros: 0)
    /// Shape `[N, D]`; set by `backward`.
    private(set) var featureGradient = Buffer<Float>(zeros: 0)

    init(_ name: String, dimension: Int, outputs: Int, in store: ParameterStore) {
        self.dimension = dimension
        self.outputs = outputs
        let weight = Initializer.torchDefault(fanIn: dimension)
        first = LinearLayer("\(name).0", inputs: dimension, outputs: dimension, weight: weight, in: store)
        second = LinearLayer("\(name).2", inputs: dimension, outputs: outputs, weight: weight, in: store)
    }

    /// Bytes that the head takes beside its parameters.
    func byteCount(_ pass: Pass) -> Int {
        guard pass.mode == .training else { return 4 * pass.sampleCount * (dimension + 1) }
        let all = pass.placement.tree.sampleCount
        return 4 * pass.sampleCount * (3 * dimension + 4 * outputs + 1 + all)
            + all * (12 * outputs + 12) + first.byteCount(pass) + second.byteCount(pass)
    }

    /// Sets the outputs of the rank's samples.
    func forward(_ features: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>, _ pass: Pass) {
        first.forward(features, parameters: parameters, into: &hidden, pass)
        Self.rectify(&hidden, count: pass.sampleCount * dimension)
        second.forward(hidden, parameters: parameters, into: &projected, pass)
        Self.normalize(
            projected, dimension: outputs, into: &normalized, norms: &norms, count: pass.sampleCount)
    }

    /// Sets `featureGradient` and the head's gradients of the batch's loss; returns the rank's lane sums. Collective.
    ///
    /// - Parameter labels: Of the rank's samples.
    /// - Returns: Shape `[lanes, 2]`: the loss once for each sample, so that their mean is the batch's; 0.
    /// - Throws: What summing across ranks throws.
    func backward(
        _ features: borrowing Buffer<Float>, _ labels: [Int32], store: ParameterStore, _ pass: Pass
    ) throws -> [Double] {
        precondition(
            labels.count == pass.sampleCount && pass.placement.partCount == 1,
            "\(labels.count) labels for \(pass.sampleCount) samples in \(pass.placement.partCount) parts")
        try gather(labels, pass)
        let sums = try comparePairs(pass)
        differentiate(sums, pass)
        second.differentiate(hidden, outputGradient: projectedGradient, into: &store.gradients, pass)
        second.inputGradient(
            of: projectedGradient, parameters: store.values, into: &hiddenGradient, pass)
        Self.rectifyGradient(hidden, &hiddenGradient, count: pass.sampleCount * dimension)
        first.differentiate(features, outputGradient: hiddenGradient, into: &store.gradients, pass)
        first.inputGradient(of: hiddenGradient, parameters: store.values, into: &featureGradient, pass)
        store.complete(first.parameters.lowerBound..<second.parameters.upperBound, pass)
        let laneSize = pass.laneSize
        return stride(from: 0, to: pass.sampleCount, by: laneSize).flatMap {
            [Double(min(laneSize, pass.sampleCount - $0)) * sums.loss, 0]
        }
    }

    /// The features divided by their length, shape `[N, D]`.
    func directions(_ features: borrowing Buffer<Float>, _ pass: Pass) -> [Float] {
        Self.normalize(
            features, dimension: dimension, into: &hidden, norms: &norms, count: pass.sampleCount)
        return Array(hidden.copyToArray().prefix(pass.sampleCount * dimension))
    }
}

// MARK: - Pairs

extension ProjectionHead {
    /// Sets the outputs and labels of all samples: each rank's, to which the others add −0.0, the identity of addition.
    private func gather(_ labels: [Int32], _ pass: Pass) throws {
        let all = pass.placement.tree.sampleCount
        message.reserve(all * (outputs + 1))
        Self.fillMessage(&message, normalized, labels, outputs: outputs, pass)
        try Self.sumMessage(&message, count: all * (outputs + 1), pass)
        allOutputs.reserve(all * outputs)
        allLabels.reserve(all)
        Self.readMessage(message, into: &allOutputs, &allLabels, outputs: outputs, count: all)
    }

    private static func fillMessage(
        _ message: inout Buffer<Double>, _ normalized: borrowing Buffer<Float>, _ labels: [Int32],
        outputs: Int, _ pass: Pass
    ) {
        let normalized = normalized.span
        var message = message.mutableSpan
        message.update(repeating: -0.0)
        for (sample, place) in pass.placement.samples.enumerated() {
            for i in 0..<outputs {
                message[place * (outputs + 1) + i] = Double(normalized[sample * outputs + i])
            }
            message[place * (outputs + 1) + outputs] = Double(labels[sample])
        }
    }

    private static func sumMessage(_ message: inout Buffer<Double>, count: Int, _ pass: Pass) throws {
        var whole = message.mutableSpan
        var used = whole.part(0..<count)
        try pass.sumAcrossRanks(&used)
    }

    private static func readMessage(
        _ message: borrowing Buffer<Double>, into allOutputs: inout Buffer<Float>,
        _ allLabels: inout Buffer<Int32>, outputs: Int, count: Int
    ) {
        let message = message.span
        var values = allOutputs.mutableSpan
        var labels = allLabels.mutableSpan
        for sample in 0..<count {
            for i in 0..<outputs {
                values[sample * outputs + i] = Float(message[sample * (outputs + 1) + i])
            }
            labels[sample] = Int32(message[sample * (outputs + 1) + outputs])
        }
    }

    /// Sets `coefficients`; returns the sums over all pairs of the batch.
    private func comparePairs(_ pass: Pass) throws -> PairSums {
        let all = pass.placement.tree.sampleCount
        let laneCount = pass.placement.lanes.count
        var lanes = Buffer<Double>(zeros: 2 * laneCount)
        Self.compare(
            allOutputs, allLabels, outputs: outputs, count: all, coefficients: &coefficients, sums: &lanes,
            pass)
        var sums = [0.0, 0.0]
        var span = sums.mutableSpan
        sumLanes(lanes.span, laneCount: laneCount, in: 0..<laneCount, into: &span)
        try pass.sumAcrossRanks(&span)
        return PairSums(span.span)
    }

    private static func compare(
        _ allOutputs: borrowing Buffer<Float>, _ allLabels: borrowing Buffer<Int32>, outputs: Int, count: Int,
        coefficients: inout Buffer<Float>, sums: inout Buffer<Double>, _ pass: Pass
    ) {
        coefficients.reserve(pass.sampleCount * count)
        let values = allOutputs.span.extracting(0..<count * outputs)
        let labels = allLabels.span.extracting(0..<count)
        var whole = coefficients.mutableSpan
        var used = whole.part(0..<pass.sampleCount * count)
        var sums = sums.mutableSpan
        Kernels.comparePairs(
            of: pass.placement.samples, outputs: values, labels: labels, laneSize: pass.laneSize,
            coefficients: &used, sums: &sums, on: pass.pool)
    }

    /// Sets `projectedGradient`; uses up `coefficients`.
    private func differentiate(_ sums: PairSums, _ pass: Pass) {
        Self.differentiate(
            &coefficients, sums, allOutputs, outputs: outputs, into: &normalizedGradient, pass)
        Self.denormalize(
            normalizedGradient, projected, norms, outputs: outputs, into: &projectedGradient, pass)
    }

    private static func differentiate(
        _ coefficients: inout Buffer<Float>, _ sums: PairSums, _ allOutputs: borrowing Buffer<Float>,
        outputs: Int, into gradient: inout Buffer<Float>, _ pass: Pass
    ) {
        let all = pass.placement.tree.sampleCount
        gradient.reserve(pass.sampleCount * outputs)
        let values = allOutputs.span.extracting(0..<all * outputs)
        var whole = coefficients.mutableSpan
        var used = whole.part(0..<pass.sampleCount * all)
        var wholeGradient = gradient.mutableSpan
        var own = wholeGradient.part(0..<pass.sampleCount * outputs)
        differentiatePairs(
            &used, sums: sums, outputs: values, dimension: outputs, laneSize: pass.laneSize, into: &own,
            on: pass.pool)
    }
}

// MARK: - Rows

extension ProjectionHead {
    private static func rectify(_ values: inout Buffer<Float>, count: Int) {
        var whole = values.mutableSpan
        var used = whole.part(0..<count)
        Kernels.rectify(&used)
    }

    private static func rectifyGradient(
        _ rectified: borrowing Buffer<Float>, _ gradient: inout Buffer<Float>, count: Int
    ) {
        let rectified = rectified.span.extracting(0..<count)
        var whole = gradient.mutableSpan
        var used = whole.part(0..<count)
        rectifierGradient(rectified, &used)
    }

    private static func normalize(
        _ rows: borrowing Buffer<Float>, dimension: Int, into normalized: inout Buffer<Float>,
        norms: inout Buffer<Float>, count: Int
    ) {
        normalized.reserve(count * dimension)
        norms.reserve(count)
        let rows = rows.span
        var own = normalized.mutableSpan
        var wholeNorms = norms.mutableSpan
        var usedNorms = wholeNorms.part(0..<count)
        normalizeFeatures(rows, dimension: dimension, temperature: 1, into: &own, norms: &usedNorms)
    }

    private static func denormalize(
        _ normalizedGradient: borrowing Buffer<Float>, _ projected: borrowing Buffer<Float>,
        _ norms: borrowing Buffer<Float>, outputs: Int, into gradient: inout Buffer<Float>, _ pass: Pass
    ) {
        gradient.reserve(pass.sampleCount * outputs)
        let normalizedGradient = normalizedGradient.span
        let projected = projected.span
        let norms = norms.span.extracting(0..<pass.sampleCount)
        var own = gradient.mutableSpan
        featureNormalizationGradient(
            normalizedGradient, features: projected, norms: norms, dimension: outputs, temperature: 1,
            into: &own)
    }
}
