internal import Kernels
internal import Workers

/// Batch normalisation over groups of samples that may span ranks: its statistics and coefficients.
///
/// Ioffe, Szegedy: "Batch normalization", arXiv 1502.03167; ε = 1e-5, momentum 0.1, the biased variance to
/// normalise, the unbiased one for the running variance. With several groups in a batch the running statistics
/// follow the mean over groups. Convolutions make the sums and apply the coefficients.
final class BatchNormalization2D {
    private static let epsilon = 1e-5
    private static let momentum: Float = 0.1

    let channels: Int
    let positions: Int
    private let scale: Range<Int>
    private let shift: Range<Int>
    private let runningMean: Range<Int>
    private let runningVariance: Range<Int>

    /// Shape `[N, 2, C]`: each sample's sums of what is normalised and of its squares; in the backward pass of the gradient
    /// and of its products with what was normalised.
    var sampleSums = Buffer<Double>(zeros: 0)
    /// Shape `[groups, 2, C]`: mean, then 1 / standard deviation.
    private var statistics = Buffer<Float>(zeros: 0)
    /// Shape `[groups, 3, C]`: the input's gradient is `a · gradient + b · input + c`.
    private(set) var gradientCoefficients = Buffer<Float>(zeros: 0)
    private var laneSums = Buffer<Double>(zeros: 0)
    private var groupSums = Buffer<Double>(zeros: 0)
    /// Sums of the forward pass, shape `[groups, 2, C]`, in all parts of the step so far.
    private var stepSums = Buffer<Double>(zeros: 0)
    private var laneGradients = Buffer<Float>(zeros: 0)
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
    func byteCount(_ pass: Pass) -> Int {
        let (lanes, groups) = (pass.placement.lanes.count, pass.placement.groups.count)
        return channels * (16 * (pass.sampleCount + lanes + 2 * groups) + 8 * (lanes + 1) + 28 * groups)
    }

    /// Makes room for the sums of a pass.
    func prepare(_ pass: Pass) { sampleSums.reserve(pass.sampleCount * 2 * channels) }

    /// Overwrites `coefficients` by the batch's statistics, taken from `sampleSums`; the running ones follow with `follow`.
    ///
    /// - Parameter coefficients: Shape `[groups, 2, C]`: scale, then shift.
    func measure(store: ParameterStore, into coefficients: inout Buffer<Float>, _ pass: Pass) throws {
        let groups = pass.placement.groups
        sumInLanes(&sampleSums, into: &laneSums, pass)
        try sumGroups(laneSums, into: &groupSums, pass)
        statistics.reserve(groups.count * 2 * channels)
        measureGroups(groupSums, groups, into: &statistics)
        gatherParts(groupSums, into: &stepSums, count: groups.count * 2 * channels, pass)
        fillForward(statistics, store.values, into: &coefficients, groups: groups.count)
    }

    /// Elements of `stepSums`.
    func stepSumCount(_ pass: Pass) -> Int { pass.placement.groups.count * 2 * channels }

    /// Copies the sums that this rank has made in the step, shape `[groups, 2, C]`, to `target`.
    func copyStepSums(into target: inout MutableSpan<Double>) { copy(stepSums, into: &target) }

    /// Moves the running statistics towards those of a step.
    ///
    /// - Parameter sums: Of all groups, shape `[groups, 2, C]`.
    func follow(_ sums: Span<Double>, store: ParameterStore, _ pass: Pass) {
        followGroups(sums, pass.placement.groups, running: &store.statistics)
    }

    /// Overwrites `coefficients` by the running statistics.
    ///
    /// - Parameter coefficients: Shape `[2, C]`.
    func useRunningStatistics(_ store: ParameterStore, into coefficients: inout Buffer<Float>) {
        statistics.reserve(2 * channels)
        copyRunning(store.statistics, into: &statistics)
        fillForward(statistics, store.values, into: &coefficients, groups: 1)
    }

    /// Sets `gradientCoefficients` to those of statistics that do not follow the batch: the gradient is scaled, no more.
    func differentiateRunning(_ store: ParameterStore) {
        statistics.reserve(2 * channels)
        copyRunning(store.statistics, into: &statistics)
        gradientCoefficients.reserve(3 * channels)
        fillScale(statistics, store.values, into: &gradientCoefficients)
    }

    /// Sets the scale's and shift's parts of `store.gradients` and `gradientCoefficients`, from `sampleSums`.
    func differentiate(store: ParameterStore, _ pass: Pass) throws {
        let groups = pass.placement.groups
        sumInLanes(&sampleSums, into: &laneSums, pass)
        normalizeProducts(&laneSums, statistics, groups, pass)
        setParameterGradients(laneSums, &store.gradients, pass)
        store.complete(scale.lowerBound..<shift.upperBound, pass)
        try sumGroups(laneSums, into: &groupSums, pass)
        gradientCoefficients.reserve(groups.count * 3 * channels)
        fillBackward(statistics, groupSums, store.values, into: &gradientCoefficients, groups: groups)
    }
}

// MARK: - Sums

extension BatchNormalization2D {
    private func sumInLanes(
        _ samples: inout Buffer<Double>, into lanes: inout Buffer<Double>, _ pass: Pass
    ) {
        lanes.reserve(pass.placement.lanes.count * 2 * channels)
        var samples = samples.mutableSpan
        var lanes = lanes.mutableSpan
        sumSamplesInLanes(
            &samples, sampleCount: pass.sampleCount, laneSize: pass.laneSize, count: 2 * channels,
            into: &lanes)
    }

    /// Sums each group's lanes, over all ranks if a group lies on several, all groups in one message; otherwise the sums of other
    /// ranks' groups are −0.0.
    private func sumGroups(
        _ lanes: borrowing Buffer<Double>, into sums: inout Buffer<Double>, _ pass: Pass
    ) throws {
        let count = 2 * channels
        let groups = pass.placement.groups
        sums.reserve(groups.count * count)
        let lanes = lanes.span
        var whole = sums.mutableSpan
        var used = whole.part(0..<groups.count * count)
        for group in 0..<groups.count {
            var own = used.part(group * count..<(group + 1) * count)
            sumLanes(
                lanes, laneCount: pass.placement.lanes.count, in: pass.placement.lanes(inGroup: group),
                into: &own)
        }
        if pass.placement.hasSharedGroups { try pass.sumAcrossRanks(&used) }
    }

    /// Turns sums of `gradient · input` into sums of `gradient · normalised input`.
    private func normalizeProducts(
        _ lanes: inout Buffer<Double>, _ statistics: borrowing Buffer<Float>, _ groups: SampleGroups,
        _ pass: Pass
    ) {
        let statistics = statistics.span
        var lanes = lanes.mutableSpan
        for lane in 0..<pass.placement.lanes.count {
            let first = groups.group(of: lane * pass.laneSize) * 2 * channels
            let start = lane * 2 * channels
            for c in 0..<channels {
                let mean = Double(statistics[first + c])
                let inverse = Double(statistics[first + channels + c])
                lanes[start + channels + c] =
                    (lanes[start + channels + c] - mean * lanes[start + c]) * inverse
            }
        }
    }

    /// The scale's and shift's gradients: lane sums in single precision, added up by the tree.
    private func setParameterGradients(
        _ lanes: borrowing Buffer<Double>, _ gradients: inout Buffer<Float>, _ pass: Pass
    ) {
        let count = 2 * channels
        let laneCount = pass.placement.lanes.count
        laneGradients.reserve(laneCount * count)
        gradientSum.reserve(count)
        round(lanes, into: &laneGradients, count: laneCount * count)
        add(laneGradients, into: &gradientSum, laneCount: laneCount, pass)
        copySum(gradientSum, into: &gradients)
    }

    private func round(_ lanes: borrowing Buffer<Double>, into singles: inout Buffer<Float>, count: Int) {
        let lanes = lanes.span
        var singles = singles.mutableSpan
        for i in 0..<count { singles[i] = Float(lanes[i]) }
    }

    private func add(
        _ lanes: borrowing Buffer<Float>, into sum: inout Buffer<Float>, laneCount: Int, _ pass: Pass
    ) {
        let lanes = lanes.span
        var sum = sum.mutableSpan
        sumLanes(lanes, laneCount: laneCount, into: &sum, on: pass.pool)
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
    /// Means and deviations from sums and sums of squares.
    private func measureGroups(
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

    /// Moves the running statistics towards the means over the groups.
    private func followGroups(
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

    /// Mean and biased variance of a channel in a group, and what they are over.
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

    /// Puts a part's sums beside those of the step's earlier parts.
    private func gatherParts(
        _ part: borrowing Buffer<Double>, into sums: inout Buffer<Double>, count: Int, _ pass: Pass
    ) {
        sums.reserve(count)
        let part = part.span
        var sums = sums.mutableSpan
        if pass.placement.part == 0 {
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
