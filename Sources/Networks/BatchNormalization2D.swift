internal import Kernels
internal import Memory

/// Batch normalisation over groups of samples that may span ranks: its statistics and coefficients.
///
/// Ioffe, Szegedy: "Batch normalization", arXiv 1502.03167; ε = 1e-5, momentum 0.1. The biased
/// variance normalises, the unbiased one updates the running variance. With several groups in a
/// batch the running statistics are updated with the mean over groups. The convolution kernels
/// compute the sums and apply the coefficients.
final class BatchNormalization2D {
    private static let epsilon = 1e-5
    private static let momentum: Float = 0.1

    let channels: Int
    let positions: Int
    private let scale: Range<Int>
    private let shift: Range<Int>
    private let runningMean: Range<Int>
    private let runningVariance: Range<Int>

    /// Shape `[N, 2, C]`, per sample. In the forward pass: sums of the normalisation's input and of
    /// its squares; in the backward pass: sums of the output's gradient and of its products with
    /// the normalisation's input.
    var sampleSums = Buffer<Double>(zeros: 0)
    /// Shape `[groups, 2, C]`: mean, then 1 / standard deviation.
    private var statistics = Buffer<Float>(zeros: 0)
    /// Shape `[groups, 3, C]`: the input's gradient is `a · gradient + b · input + c`.
    private(set) var gradientCoefficients = Buffer<Float>(zeros: 0)
    private var microbatchSums = Buffer<Double>(zeros: 0)
    private var groupSums = Buffer<Double>(zeros: 0)
    /// Sums of the forward pass over all accumulation steps so far, shape `[groups, 2, C]`.
    private var stepSums = Buffer<Double>(zeros: 0)
    private var microbatchGradients = Buffer<Float>(zeros: 0)
    private var gradientSum = Buffer<Float>(zeros: 0)

    init(_ name: String, channels: Int, positions: Int, in store: ParameterStore) {
        self.channels = channels
        self.positions = positions
        scale = store.parameter("\(name).weight", shape: [channels], .constant(1))
        shift = store.parameter("\(name).bias", shape: [channels], .constant(0))
        precondition(shift.lowerBound == scale.upperBound, "the shift follows the scale")
        runningMean = store.statistic("\(name).running_mean", count: channels, .constant(0))
        runningVariance = store.statistic("\(name).running_var", count: channels, .constant(1))
        store.batchCounter("\(name).num_batches_tracked")
    }

    /// Bytes of the sums and coefficients of a training pass.
    func byteCount(_ context: StepContext) -> Int {
        let (microbatches, groups) = (context.placement.microbatches.count, context.placement.groups.count)
        return channels
            * (16 * (context.sampleCount + microbatches + 2 * groups) + 8 * (microbatches + 1) + 28 * groups)
    }

    /// Reserves memory for the sums of a pass.
    func prepare(_ context: StepContext) { sampleSums.reserve(context.sampleCount * 2 * channels) }

    /// Overwrites `coefficients` with those of the batch statistics, computed from `sampleSums`.
    /// `updateRunningStatistics` updates the running statistics.
    ///
    /// - Parameter coefficients: Shape `[groups, 2, C]`: scale, then shift.
    func computeBatchStatistics(
        store: ParameterStore, into coefficients: inout Buffer<Float>, _ context: StepContext
    ) throws {
        let groups = context.placement.groups
        sumInMicrobatches(&sampleSums, into: &microbatchSums, context)
        try sumGroups(microbatchSums, into: &groupSums, context)
        statistics.reserve(groups.count * 2 * channels)
        computeGroupStatistics(groupSums, groups, into: &statistics)
        gatherAccumulationSteps(groupSums, into: &stepSums, count: groups.count * 2 * channels, context)
        fillForward(statistics, store.values, into: &coefficients, groups: groups.count)
    }

    /// Elements of `stepSums`.
    func stepSumCount(_ context: StepContext) -> Int { context.placement.groups.count * 2 * channels }

    /// Copies this rank's sums of the step, shape `[groups, 2, C]`, to `target`.
    func copyStepSums(into target: inout MutableSpan<Double>) { copy(stepSums, into: &target) }

    /// Updates the running statistics with the batch statistics of a step.
    ///
    /// - Parameter sums: Sums of all groups, shape `[groups, 2, C]`.
    func updateRunningStatistics(_ sums: Span<Double>, store: ParameterStore, _ context: StepContext) {
        updateRunningGroups(sums, context.placement.groups, running: &store.statistics)
    }

    /// Overwrites `coefficients` with those of the running statistics.
    ///
    /// - Parameter coefficients: Shape `[2, C]`.
    func useRunningStatistics(_ store: ParameterStore, into coefficients: inout Buffer<Float>) {
        statistics.reserve(2 * channels)
        copyRunning(store.statistics, into: &statistics)
        fillForward(statistics, store.values, into: &coefficients, groups: 1)
    }

    /// Sets `gradientCoefficients` for the running statistics, which do not depend on the input:
    /// the gradient is only scaled.
    func differentiateRunning(_ store: ParameterStore) {
        statistics.reserve(2 * channels)
        copyRunning(store.statistics, into: &statistics)
        gradientCoefficients.reserve(3 * channels)
        fillScale(statistics, store.values, into: &gradientCoefficients)
    }

    /// Computes `gradientCoefficients` and the gradients of scale and shift in `store.gradients`
    /// from `sampleSums`.
    func differentiate(store: ParameterStore, _ context: StepContext) throws {
        let groups = context.placement.groups
        sumInMicrobatches(&sampleSums, into: &microbatchSums, context)
        normalizeProducts(&microbatchSums, statistics, groups, context)
        setParameterGradients(microbatchSums, &store.gradients, context)
        store.complete(scale.lowerBound..<shift.upperBound, context)
        try sumGroups(microbatchSums, into: &groupSums, context)
        gradientCoefficients.reserve(groups.count * 3 * channels)
        fillBackward(statistics, groupSums, store.values, into: &gradientCoefficients, groups: groups)
    }
}

// MARK: - Sums

extension BatchNormalization2D {
    private func sumInMicrobatches(
        _ samples: inout Buffer<Double>, into microbatches: inout Buffer<Double>, _ context: StepContext
    ) {
        microbatches.reserve(context.placement.microbatches.count * 2 * channels)
        var samples = samples.mutableSpan
        var microbatches = microbatches.mutableSpan
        sumSamplesInMicrobatches(
            &samples, sampleCount: context.sampleCount, microbatchSize: context.microbatchSize,
            count: 2 * channels,
            into: &microbatches)
    }

    /// Sums each group's microbatches. If a group spans ranks, the sums of all groups are
    /// all-reduced in one message; otherwise the sums of other ranks' groups are −0.0.
    private func sumGroups(
        _ microbatches: borrowing Buffer<Double>, into sums: inout Buffer<Double>, _ context: StepContext
    ) throws {
        let count = 2 * channels
        let groups = context.placement.groups
        sums.reserve(groups.count * count)
        let microbatches = microbatches.span
        var whole = sums.mutableSpan
        var used = whole.part(0..<groups.count * count)
        for group in 0..<groups.count {
            var own = used.part(group * count..<(group + 1) * count)
            sumMicrobatches(
                microbatches, microbatchCount: context.placement.microbatches.count,
                in: context.placement.microbatches(inGroup: group),
                into: &own)
        }
        if context.placement.hasSharedGroups { try context.sumAcrossRanks(&used) }
    }

    /// Turns sums of `gradient · input` into sums of `gradient · normalised input`.
    private func normalizeProducts(
        _ microbatches: inout Buffer<Double>, _ statistics: borrowing Buffer<Float>, _ groups: SampleGroups,
        _ context: StepContext
    ) {
        let statistics = statistics.span
        var microbatches = microbatches.mutableSpan
        for microbatch in 0..<context.placement.microbatches.count {
            let first = groups.group(of: microbatch * context.microbatchSize) * 2 * channels
            let start = microbatch * 2 * channels
            for c in 0..<channels {
                let mean = Double(statistics[first + c])
                let inverse = Double(statistics[first + channels + c])
                microbatches[start + channels + c] =
                    (microbatches[start + channels + c] - mean * microbatches[start + c]) * inverse
            }
        }
    }

    /// Sets the gradients of scale and shift: microbatch sums in single precision, added by the
    /// reduction tree.
    private func setParameterGradients(
        _ microbatches: borrowing Buffer<Double>, _ gradients: inout Buffer<Float>, _ context: StepContext
    ) {
        let count = 2 * channels
        let microbatchCount = context.placement.microbatches.count
        microbatchGradients.reserve(microbatchCount * count)
        gradientSum.reserve(count)
        round(microbatches, into: &microbatchGradients, count: microbatchCount * count)
        add(microbatchGradients, into: &gradientSum, microbatchCount: microbatchCount, context)
        copySum(gradientSum, into: &gradients)
    }

    private func round(
        _ microbatches: borrowing Buffer<Double>, into singles: inout Buffer<Float>, count: Int
    ) {
        let microbatches = microbatches.span
        var singles = singles.mutableSpan
        for i in 0..<count { singles[i] = Float(microbatches[i]) }
    }

    private func add(
        _ microbatches: borrowing Buffer<Float>, into sum: inout Buffer<Float>, microbatchCount: Int,
        _ context: StepContext
    ) {
        let microbatches = microbatches.span
        var sum = sum.mutableSpan
        sumMicrobatches(microbatches, microbatchCount: microbatchCount, into: &sum, on: context.pool)
    }

    private func copySum(_ sum: borrowing Buffer<Float>, into gradients: inout Buffer<Float>) {
        let sum = sum.span
        var all = gradients.mutableSpan
        for c in 0..<channels {
            all[shift.lowerBound + c] = sum[c]
            all[scale.lowerBound + c] = sum[channels + c]
        }
    }
}

// MARK: - Statistics

extension BatchNormalization2D {
    /// Computes each group's means and inverse standard deviations from the sums and sums of
    /// squares.
    private func computeGroupStatistics(
        _ sums: borrowing Buffer<Double>, _ groups: SampleGroups, into statistics: inout Buffer<Float>
    ) {
        let sums = sums.span
        var own = statistics.mutableSpan
        for group in 0..<groups.count {
            let first = group * 2 * channels
            for c in 0..<channels {
                let (mean, variance, _) = moments(of: c, sums, group, groups)
                own[first + c] = Float(mean)
                own[first + channels + c] = Float(1 / (variance + Self.epsilon).squareRoot())
            }
        }
    }

    /// Updates the running statistics with the means over the groups.
    private func updateRunningGroups(
        _ sums: Span<Double>, _ groups: SampleGroups, running: inout Buffer<Float>
    ) {
        var running = running.mutableSpan
        let share = Self.momentum / Float(groups.count)
        for c in 0..<channels {
            var meanOfGroups = 0.0
            var varianceOfGroups = 0.0
            for group in 0..<groups.count {
                let (mean, variance, count) = moments(of: c, sums, group, groups)
                meanOfGroups += mean
                varianceOfGroups += variance * (count / max(count - 1, 1))
            }
            let meanPlace = runningMean.lowerBound + c
            let variancePlace = runningVariance.lowerBound + c
            running[meanPlace] = (1 - Self.momentum) * running[meanPlace] + share * Float(meanOfGroups)
            running[variancePlace] =
                (1 - Self.momentum) * running[variancePlace] + share * Float(varianceOfGroups)
        }
    }

    /// Mean and biased variance of a channel in a group, and the number of values they are taken
    /// over.
    private func moments(
        of channel: Int, _ sums: Span<Double>, _ group: Int, _ groups: SampleGroups
    ) -> (mean: Double, variance: Double, count: Double) {
        let count = Double(groups.sampleCount(in: group) * positions)
        let place = group * 2 * channels + channel
        let mean = sums[place] / count
        return (mean, max(sums[place + channels] / count - mean * mean, 0), count)
    }

    private func copy(_ sums: borrowing Buffer<Double>, into target: inout MutableSpan<Double>) {
        let sums = sums.span
        for i in 0..<target.count { target[i] = sums[i] }
    }

    /// Adds an accumulation step's sums to those of earlier ones.
    private func gatherAccumulationSteps(
        _ part: borrowing Buffer<Double>, into sums: inout Buffer<Double>, count: Int, _ context: StepContext
    ) {
        sums.reserve(count)
        let part = part.span
        var sums = sums.mutableSpan
        if context.placement.accumulationStep == 0 {
            for i in 0..<count { sums[i] = part[i] }
        } else {
            for i in 0..<count { sums[i] += part[i] }
        }
    }

    private func copyRunning(_ running: borrowing Buffer<Float>, into statistics: inout Buffer<Float>) {
        let running = running.span
        var own = statistics.mutableSpan
        for c in 0..<channels {
            own[c] = running[runningMean.lowerBound + c]
            let variance = Double(running[runningVariance.lowerBound + c])
            own[channels + c] = Float(1 / (variance + Self.epsilon).squareRoot())
        }
    }
}

// MARK: - Coefficients

extension BatchNormalization2D {
    private func fillForward(
        _ statistics: borrowing Buffer<Float>, _ parameters: borrowing Buffer<Float>,
        into coefficients: inout Buffer<Float>, groups: Int
    ) {
        coefficients.reserve(groups * 2 * channels)
        let statistics = statistics.span
        let parameters = parameters.span
        var own = coefficients.mutableSpan
        for group in 0..<groups {
            let first = group * 2 * channels
            for c in 0..<channels {
                let factor = parameters[scale.lowerBound + c] * statistics[first + channels + c]
                own[first + c] = factor
                own[first + channels + c] =
                    parameters[shift.lowerBound + c] - statistics[first + c] * factor
            }
        }
    }

    /// `dx = γ/σ g` as `a g + b x + c`.
    private func fillScale(
        _ statistics: borrowing Buffer<Float>, _ parameters: borrowing Buffer<Float>,
        into coefficients: inout Buffer<Float>
    ) {
        let statistics = statistics.span
        let parameters = parameters.span
        var own = coefficients.mutableSpan
        own.update(repeating: 0)
        for c in 0..<channels { own[c] = parameters[scale.lowerBound + c] * statistics[channels + c] }
    }

    /// `dx = γ/σ (g − mean(g) − x̂ mean(g x̂))` as `a g + b x + c`.
    private func fillBackward(
        _ statistics: borrowing Buffer<Float>, _ sums: borrowing Buffer<Double>,
        _ parameters: borrowing Buffer<Float>, into coefficients: inout Buffer<Float>, groups: SampleGroups
    ) {
        let statistics = statistics.span
        let sums = sums.span
        let parameters = parameters.span
        var own = coefficients.mutableSpan
        for group in 0..<groups.count {
            let count = Double(groups.sampleCount(in: group) * positions)
            let first = group * 2 * channels
            for c in 0..<channels {
                let mean = Double(statistics[first + c])
                let inverse = Double(statistics[first + channels + c])
                let a = Double(parameters[scale.lowerBound + c]) * inverse
                let b = -a * inverse * sums[first + channels + c] / count
                own[group * 3 * channels + c] = Float(a)
                own[group * 3 * channels + channels + c] = Float(b)
                own[group * 3 * channels + 2 * channels + c] =
                    Float(-a * sums[first + c] / count - b * mean)
            }
        }
    }
}
