internal import Kernels
internal import Memory
internal import Numerics

/// Two linear layers with a ReLU between them, whose outputs are divided by their L2 norm, and the
/// loss over all pairs of a batch.
///
/// Parameters are named as in OpenOOD's networks for contrastive methods: `head.0` from D to D,
/// `head.2` from D to `outputs`. The loss is that of `PairSums`. Every rank receives the outputs of
/// all samples and computes the gradients of its own.
final class ProjectionHead {
    let dimension: Int
    let outputs: Int
    private let first: LinearLayer
    private let second: LinearLayer
    /// Shape `[N, D]`, after ReLU.
    private var hidden = Buffer<Float>(zeros: 0)
    private var hiddenGradient = Buffer<Float>(zeros: 0)
    /// Shape `[N, outputs]`: before and after the division by the norm.
    private var projected = Buffer<Float>(zeros: 0)
    private var normalized = Buffer<Float>(zeros: 0)
    private var norms = Buffer<Float>(zeros: 0)
    private var projectedGradient = Buffer<Float>(zeros: 0)
    private var normalizedGradient = Buffer<Float>(zeros: 0)
    /// Outputs, shape `[M, outputs]`, and labels, shape `[M]`, of the global batch.
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
    func byteCount(_ context: StepContext) -> Int {
        guard context.mode == .training else { return 4 * context.sampleCount * (dimension + 1) }
        let all = context.placement.tree.sampleCount
        return 4 * context.sampleCount * (3 * dimension + 4 * outputs + 1 + all)
            + all * (12 * outputs + 12) + first.byteCount(context) + second.byteCount(context)
    }

    /// Sets the outputs of the rank's samples.
    func forward(
        _ features: borrowing Buffer<Float>, parameters: borrowing Buffer<Float>, _ context: StepContext
    ) {
        first.forward(features, parameters: parameters, into: &hidden, context)
        Self.applyReLU(&hidden, count: context.sampleCount * dimension)
        second.forward(hidden, parameters: parameters, into: &projected, context)
        Self.normalize(
            projected, dimension: outputs, into: &normalized, norms: &norms, count: context.sampleCount)
    }

    /// Sets `featureGradient` and the head's gradients of the batch's loss; returns the rank's
    /// microbatch sums. Collective.
    ///
    /// - Parameter labels: Labels of the rank's samples.
    /// - Returns: Shape `[microbatches, 2]`: the batch's loss times the number of samples, so that
    ///   the mean over samples is the batch's loss; and 0.
    /// - Throws: Errors of the all-reduce.
    func backward(
        _ features: borrowing Buffer<Float>, _ labels: [Int32], store: ParameterStore, _ context: StepContext
    ) throws -> [Double] {
        precondition(
            labels.count == context.sampleCount && context.placement.accumulationSteps == 1,
            "\(labels.count) labels for \(context.sampleCount) samples in \(context.placement.accumulationSteps) accumulation steps"
        )
        try gather(labels, context)
        let sums = try comparePairs(context)
        differentiate(sums, context)
        second.differentiate(hidden, outputGradient: projectedGradient, into: &store.gradients, context)
        second.inputGradient(
            of: projectedGradient, parameters: store.values, into: &hiddenGradient, context)
        Self.applyReLUGradient(hidden, &hiddenGradient, count: context.sampleCount * dimension)
        first.differentiate(features, outputGradient: hiddenGradient, into: &store.gradients, context)
        first.inputGradient(of: hiddenGradient, parameters: store.values, into: &featureGradient, context)
        store.complete(first.parameters.lowerBound..<second.parameters.upperBound, context)
        let microbatchSize = context.microbatchSize
        return stride(from: 0, to: context.sampleCount, by: microbatchSize).flatMap {
            [Double(min(microbatchSize, context.sampleCount - $0)) * sums.loss, 0]
        }
    }

    /// The features divided by their L2 norm, shape `[N, D]`.
    func directions(_ features: borrowing Buffer<Float>, _ context: StepContext) -> [Float] {
        Self.normalize(
            features, dimension: dimension, into: &hidden, norms: &norms, count: context.sampleCount)
        return Array(hidden.copyToArray().prefix(context.sampleCount * dimension))
    }
}

// MARK: - Pairs

extension ProjectionHead {
    /// Gathers the outputs and labels of all samples by an all-reduce, in which each rank
    /// contributes its own and −0.0, the identity of addition, for the others.
    private func gather(_ labels: [Int32], _ context: StepContext) throws {
        let all = context.placement.tree.sampleCount
        message.reserve(all * (outputs + 1))
        Self.fillMessage(&message, normalized, labels, outputs: outputs, context)
        try Self.sumMessage(&message, count: all * (outputs + 1), context)
        allOutputs.reserve(all * outputs)
        allLabels.reserve(all)
        Self.readMessage(message, into: &allOutputs, &allLabels, outputs: outputs, count: all)
    }

    private static func fillMessage(
        _ message: inout Buffer<Double>, _ normalized: borrowing Buffer<Float>, _ labels: [Int32],
        outputs: Int, _ context: StepContext
    ) {
        let normalized = normalized.span
        var message = message.mutableSpan
        message.update(repeating: -0.0)
        for (sample, place) in context.placement.samples.enumerated() {
            for i in 0..<outputs {
                message[place * (outputs + 1) + i] = Double(normalized[sample * outputs + i])
            }
            message[place * (outputs + 1) + outputs] = Double(labels[sample])
        }
    }

    private static func sumMessage(_ message: inout Buffer<Double>, count: Int, _ context: StepContext) throws
    {
        var whole = message.mutableSpan
        var used = whole.part(0..<count)
        try context.sumAcrossRanks(&used)
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
    private func comparePairs(_ context: StepContext) throws -> PairSums {
        let all = context.placement.tree.sampleCount
        let microbatchCount = context.placement.microbatches.count
        var microbatches = Buffer<Double>(zeros: 2 * microbatchCount)
        Self.compare(
            allOutputs, allLabels, outputs: outputs, count: all, coefficients: &coefficients,
            sums: &microbatches,
            context)
        var sums = [0.0, 0.0]
        var span = sums.mutableSpan
        sumMicrobatches(
            microbatches.span, microbatchCount: microbatchCount, in: 0..<microbatchCount, into: &span)
        try context.sumAcrossRanks(&span)
        return PairSums(span.span)
    }

    private static func compare(
        _ allOutputs: borrowing Buffer<Float>, _ allLabels: borrowing Buffer<Int32>, outputs: Int, count: Int,
        coefficients: inout Buffer<Float>, sums: inout Buffer<Double>, _ context: StepContext
    ) {
        coefficients.reserve(context.sampleCount * count)
        let values = allOutputs.span.extracting(0..<count * outputs)
        let labels = allLabels.span.extracting(0..<count)
        var whole = coefficients.mutableSpan
        var used = whole.part(0..<context.sampleCount * count)
        var sums = sums.mutableSpan
        Kernels.comparePairs(
            of: context.placement.samples, outputs: values, labels: labels,
            microbatchSize: context.microbatchSize,
            coefficients: &used, sums: &sums, on: context.pool)
    }

    /// Sets `projectedGradient`; overwrites `coefficients`.
    private func differentiate(_ sums: PairSums, _ context: StepContext) {
        Self.differentiate(
            &coefficients, sums, allOutputs, outputs: outputs, into: &normalizedGradient, context)
        Self.denormalize(
            normalizedGradient, projected, norms, outputs: outputs, into: &projectedGradient, context)
    }

    private static func differentiate(
        _ coefficients: inout Buffer<Float>, _ sums: PairSums, _ allOutputs: borrowing Buffer<Float>,
        outputs: Int, into gradient: inout Buffer<Float>, _ context: StepContext
    ) {
        let all = context.placement.tree.sampleCount
        gradient.reserve(context.sampleCount * outputs)
        let values = allOutputs.span.extracting(0..<all * outputs)
        var whole = coefficients.mutableSpan
        var used = whole.part(0..<context.sampleCount * all)
        var wholeGradient = gradient.mutableSpan
        var own = wholeGradient.part(0..<context.sampleCount * outputs)
        differentiatePairs(
            &used, sums: sums, outputs: values, dimension: outputs, microbatchSize: context.microbatchSize,
            into: &own,
            on: context.pool)
    }
}

// MARK: - Rows

extension ProjectionHead {
    private static func applyReLU(_ values: inout Buffer<Float>, count: Int) {
        var whole = values.mutableSpan
        var used = whole.part(0..<count)
        Kernels.relu(&used)
    }

    private static func applyReLUGradient(
        _ reluOutput: borrowing Buffer<Float>, _ gradient: inout Buffer<Float>, count: Int
    ) {
        let reluOutput = reluOutput.span.extracting(0..<count)
        var whole = gradient.mutableSpan
        var used = whole.part(0..<count)
        reluGradient(reluOutput, &used)
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
        _ norms: borrowing Buffer<Float>, outputs: Int, into gradient: inout Buffer<Float>,
        _ context: StepContext
    ) {
        gradient.reserve(context.sampleCount * outputs)
        let normalizedGradient = normalizedGradient.span
        let projected = projected.span
        let norms = norms.span.extracting(0..<context.sampleCount)
        var own = gradient.mutableSpan
        featureNormalizationGradient(
            normalizedGradient, features: projected, norms: norms, dimension: outputs, temperature: 1,
            into: &own)
    }
}
