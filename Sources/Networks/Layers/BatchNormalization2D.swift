internal import Kernels
internal import Memory

/// Batch normalisation over groups of samples that may span ranks: its statistics and coefficients.
///
/// Ioffe, Szegedy: "Batch normalization", arXiv 1502.03167; ε = 1e-5, momentum 0.1. The biased
/// variance normalises, the unbiased one updates the running variance. With several groups in a
/// batch the running statistics are updated with the mean over groups. The convolution kernels
/// compute the sums and apply the coefficients; `BatchStatistics` has the formulas between them.
final class BatchNormalization2D {
    private let formulas: BatchStatistics
    /// Scale, then shift, in the store's values and gradients.
    let parameters: Range<Int>
    /// Running mean, then running variance, in the store's statistics.
    private let running: Range<Int>

    /// Whether training uses the running statistics and leaves them as they are.
    var hasFixedStatistics = false

    /// Shape `[N, 2, C]`, per sample. In the forward pass: sums of the normalisation's input and of
    /// its squares; in the backward pass: sums of the output's gradient and of its products with
    /// the normalisation's input.
    var sampleSums = Buffer<Double>(zeros: 0)
    /// Shape `[groups, 2, C]`: mean, then 1 / standard deviation.
    private var statistics = Buffer<Float>(zeros: 0)
    /// Shape `[groups, 2, C]`: scale, then shift.
    private(set) var coefficients = Buffer<Float>(zeros: 0)
    /// Shape `[groups, 3, C]`: the input's gradient is `a · gradient + b · input + c`.
    private(set) var gradientCoefficients = Buffer<Float>(zeros: 0)
    /// Shape `[microbatches, 2, C]`: the sums of `sampleSums`.
    private var microbatchSums = Buffer<Double>(zeros: 0)
    /// Shape `[groups, 2, C]`.
    private var groupSums = Buffer<Double>(zeros: 0)
    /// Sums of the forward pass over all accumulation steps so far, shape `[groups, 2, C]`.
    private var stepSums = Buffer<Double>(zeros: 0)
    /// Shape `[microbatches, 2, C]`: gradients of shift and scale.
    private var microbatchGradients = Buffer<Float>(zeros: 0)
    /// Shape `[2, C]`: gradients of shift and scale.
    private var gradientSum = Buffer<Float>(zeros: 0)

    init(_ name: String, channels: Int, positions: Int, in store: ParameterStore) {
        formulas = BatchStatistics(channels: channels, positions: positions)
        let scale = store.parameter("\(name).weight", shape: [channels], kind: .norm, .constant(1))
        let shift = store.parameter("\(name).bias", shape: [channels], kind: .norm, .constant(0))
        precondition(shift.lowerBound == scale.upperBound, "the shift follows the scale")
        parameters = scale.lowerBound..<shift.upperBound
        let mean = store.statistic("\(name).running_mean", count: channels, .constant(0))
        let variance = store.statistic("\(name).running_var", count: channels, .constant(1))
        precondition(variance.lowerBound == mean.upperBound, "the variance follows the mean")
        running = mean.lowerBound..<variance.upperBound
        store.batchCounter("\(name).num_batches_tracked")
    }

    private var channels: Int { formulas.channels }

    func usesBatchStatistics(_ context: StepContext) -> Bool {
        context.mode == .training && !hasFixedStatistics
    }

    /// The groups of samples that have coefficients of their own.
    func groups(_ context: StepContext) -> SampleGroups {
        usesBatchStatistics(context) ? context.placement.groups : .one
    }

    /// The shape of its input and output.
    func mapShape(_ context: StepContext) -> MapShape {
        MapShape(sampleCount: context.sampleCount, channels: channels, positions: formulas.positions)
    }

    /// Bytes of the sums and coefficients of a training pass.
    func byteCount(_ context: StepContext) -> Int {
        let (microbatches, groups) = (context.placement.microbatches.count, context.placement.groups.count)
        return channels
            * (16 * (context.sampleCount + microbatches + 2 * groups) + 8 * (microbatches + 1) + 28 * groups)
    }

    /// Reserves memory for the sums of a pass.
    func prepare(_ context: StepContext) { sampleSums.reserve(context.sampleCount * 2 * channels) }

    /// Elements of sums or statistics of all groups, shape `[groups, 2, C]`.
    func groupSumCount(_ context: StepContext) -> Int { context.placement.groups.count * 2 * channels }

    /// Copies this rank's sums of the step, shape `[groups, 2, C]`, to `target`.
    func copyStepSums(into target: inout MutableSpan<Double>) {
        let count = target.count
        withSpans(stepSums) { copy($0, from: 0, count: count, into: &target, at: 0) }
    }

    /// Sets `microbatchSums` from `sampleSums`.
    private func sumInMicrobatches(_ context: StepContext) {
        let count = 2 * channels
        withSpans(
            into: &sampleSums, count: nil, &microbatchSums,
            count: context.placement.microbatches.count * count
        ) {
            sumSamplesInMicrobatches(
                &$0, sampleCount: context.sampleCount, microbatchSize: context.microbatchSize,
                count: count, into: &$1)
        }
    }

    /// Sets `groupSums` from `microbatchSums`. If a group spans ranks, the sums of all groups are
    /// all-reduced in one message; otherwise the sums of other ranks' groups are −0.0.
    private func sumGroups(_ context: StepContext) throws {
        let placement = context.placement
        try withSpans(microbatchSums, into: &groupSums, count: groupSumCount(context)) {
            formulas.sumGroups($0, placement, into: &$1)
            if placement.hasSharedGroups { try context.sumAcrossRanks(&$1) }
        }
    }
}

// MARK: - Forward

extension BatchNormalization2D {
    /// Sets `coefficients`: in training those of the batch statistics, computed from `sampleSums`,
    /// otherwise those of the running statistics.
    func computeCoefficients(store: ParameterStore, _ context: StepContext) throws {
        guard usesBatchStatistics(context) else { return useRunningStatistics(store) }
        let groups = context.placement.groups
        sumInMicrobatches(context)
        try sumGroups(context)
        withSpans(groupSums, into: &statistics, count: groupSumCount(context)) {
            formulas.computeStatistics(of: groups, sums: $0, into: &$1)
        }
        addToStepSums(context)
        fillCoefficients(groups: groups.count, store)
    }

    /// Adds the accumulation step's sums to those of earlier ones.
    private func addToStepSums(_ context: StepContext) {
        let isFirst = context.placement.accumulationStep == 0
        withSpans(groupSums, into: &stepSums, count: groupSumCount(context)) { own, sums in
            for i in sums.indices { sums[i] = isFirst ? own[i] : sums[i] + own[i] }
        }
    }

    /// Updates the running statistics with the batch statistics of a step.
    ///
    /// - Parameter sums: Sums of all groups, shape `[groups, 2, C]`.
    func updateRunningStatistics(_ sums: Span<Double>, store: ParameterStore, _ context: StepContext) {
        withSpans(into: &store.statistics) {
            var own = $0.part(running)
            formulas.updateRunning(&own, with: sums, context.placement.groups)
        }
    }

    /// Sets `coefficients`, shape `[2, C]`, to those of the running statistics.
    func useRunningStatistics(_ store: ParameterStore) {
        readRunningStatistics(store)
        fillCoefficients(groups: 1, store)
    }

    /// Sets `statistics` to the running ones.
    private func readRunningStatistics(_ store: ParameterStore) {
        withSpans(store.statistics, into: &statistics, count: 2 * channels) {
            formulas.readRunning($0.extracting(running), into: &$1)
        }
    }

    /// Sets `coefficients` from `statistics`.
    private func fillCoefficients(groups: Int, _ store: ParameterStore) {
        withSpans(statistics, store.values, into: &coefficients, count: groups * 2 * channels) {
            formulas.fillForward($0, $1.extracting(parameters), groups: groups, into: &$2)
        }
    }
}

// MARK: - Backward

extension BatchNormalization2D {
    /// Sets `gradientCoefficients` for the running statistics, which do not depend on the input:
    /// the gradient is only scaled.
    func differentiateRunning(_ store: ParameterStore) {
        readRunningStatistics(store)
        withSpans(statistics, store.values, into: &gradientCoefficients, count: 3 * channels) {
            formulas.fillScale($0, $1.extracting(parameters), into: &$2)
        }
    }

    /// Computes `gradientCoefficients` and the gradients of scale and shift in `store.gradients`
    /// from `sampleSums`.
    func differentiate(store: ParameterStore, _ context: StepContext) throws {
        let groups = context.placement.groups
        sumInMicrobatches(context)
        withSpans(statistics, into: &microbatchSums) {
            formulas.normalizeProducts(&$1, $0, context.placement)
        }
        if store.isTrained(parameters) { setParameterGradients(store, context) }
        store.complete(parameters, context)
        try sumGroups(context)
        withSpans(
            statistics, groupSums, store.values, into: &gradientCoefficients,
            count: groups.count * 3 * channels
        ) {
            formulas.fillBackward($0, sums: $1, $2.extracting(parameters), groups, into: &$3)
        }
    }

    /// Sets the gradients of scale and shift: microbatch sums in single precision, added by the
    /// reduction tree.
    private func setParameterGradients(_ store: ParameterStore, _ context: StepContext) {
        let microbatchCount = context.placement.microbatches.count
        withSpans(microbatchSums, into: &microbatchGradients, count: microbatchCount * 2 * channels) {
            for i in $1.indices { $1[i] = Float($0[i]) }
        }
        withSpans(microbatchGradients, into: &gradientSum, count: 2 * channels) {
            sumMicrobatches($0, microbatchCount: microbatchCount, into: &$1, on: context.pool)
        }
        withSpans(gradientSum, into: &store.gradients) {
            var own = $1.part(parameters)
            formulas.copyGradients($0, into: &own)
        }
    }
}
