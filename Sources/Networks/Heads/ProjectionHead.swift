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
        withSpans(into: &hidden) {
            var own = $0.part(0..<context.sampleCount * dimension)
            relu(&own)
        }
        second.forward(hidden, parameters: parameters, into: &projected, context)
        let count = context.sampleCount
        withSpans(projected, into: &normalized, count: count * outputs, &norms, count: count) {
            normalizeFeatures($0, dimension: outputs, temperature: 1, into: &$1, norms: &$2)
        }
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
        let hiddenCount = context.sampleCount * dimension
        withSpans(hidden, into: &hiddenGradient) {
            var own = $1.part(0..<hiddenCount)
            reluGradient($0.extracting(0..<hiddenCount), &own)
        }
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
        let count = context.sampleCount
        withSpans(features, into: &hidden, count: count * dimension, &norms, count: count) {
            normalizeFeatures($0, dimension: dimension, temperature: 1, into: &$1, norms: &$2)
        }
        return Array(hidden.copyToArray().prefix(count * dimension))
    }
}

// MARK: - Pairs

extension ProjectionHead {
    /// Gathers the outputs and labels of all samples by an all-reduce, in which each rank
    /// contributes its own and −0.0, the identity of addition, for the others.
    private func gather(_ labels: [Int32], _ context: StepContext) throws {
        let (all, outputs) = (context.placement.tree.sampleCount, outputs)
        try withSpans(normalized, into: &message, count: all * (outputs + 1)) { normalized, message in
            message.update(repeating: -0.0)
            for (sample, place) in context.placement.samples.enumerated() {
                for i in 0..<outputs {
                    message[place * (outputs + 1) + i] = Double(normalized[sample * outputs + i])
                }
                message[place * (outputs + 1) + outputs] = Double(labels[sample])
            }
            try context.sumAcrossRanks(&message)
        }
        withSpans(message, into: &allOutputs, count: all * outputs, &allLabels, count: all) {
            message, values, labels in
            for sample in 0..<all {
                for i in 0..<outputs {
                    values[sample * outputs + i] = Float(message[sample * (outputs + 1) + i])
                }
                labels[sample] = Int32(message[sample * (outputs + 1) + outputs])
            }
        }
    }

    /// Sets `coefficients`; returns the sums over all pairs of the batch.
    private func comparePairs(_ context: StepContext) throws -> PairSums {
        let all = context.placement.tree.sampleCount
        let microbatchCount = context.placement.microbatches.count
        var microbatches = Buffer<Double>(zeros: 2 * microbatchCount)
        withSpans(allOutputs, allLabels) { values, labels in
            withSpans(into: &coefficients, count: context.sampleCount * all, &microbatches) {
                Kernels.comparePairs(
                    of: context.placement.samples, outputs: values.extracting(0..<all * outputs),
                    labels: labels.extracting(0..<all), microbatchSize: context.microbatchSize,
                    coefficients: &$0, sums: &$1, on: context.pool)
            }
        }
        var sums = [0.0, 0.0]
        var span = sums.mutableSpan
        sumMicrobatches(
            microbatches.span, microbatchCount: microbatchCount, in: 0..<microbatchCount, into: &span)
        try context.sumAcrossRanks(&span)
        return PairSums(span.span)
    }

    /// Sets `projectedGradient`; overwrites `coefficients`.
    private func differentiate(_ sums: PairSums, _ context: StepContext) {
        let (count, all) = (context.sampleCount, context.placement.tree.sampleCount)
        withSpans(allOutputs, into: &coefficients, count: nil, &normalizedGradient, count: count * outputs) {
            var pairs = $1.part(0..<count * all)
            differentiatePairs(
                &pairs, sums: sums, outputs: $0.extracting(0..<all * outputs), dimension: outputs,
                microbatchSize: context.microbatchSize, into: &$2, on: context.pool)
        }
        withSpans(
            normalizedGradient, projected, norms, into: &projectedGradient, count: count * outputs
        ) {
            featureNormalizationGradient(
                $0, features: $1, norms: $2.extracting(0..<count), dimension: outputs, temperature: 1,
                into: &$3)
        }
    }
}
