internal import Kernels
internal import Workers

/// Batch normalisation over groups of samples that may span ranks, fused with what follows it.
///
/// Ioffe, Szegedy: "Batch normalization", arXiv 1502.03167; ε = 1e-5, momentum 0.1, the biased variance to
/// normalise, the unbiased one for the running variance. With several groups in a batch the running statistics
/// follow the mean over groups.
final class BatchNormalization2D {
    private static let epsilon = 1e-5
    private static let momentum: Float = 0.1

    let channels: Int
    let positions: Int
    private let scale: Range<Int>
    private let shift: Range<Int>
    private let runningMean: Range<Int>
    private let runningVariance: Range<Int>

    /// Per group: mean, then 1 / standard deviation.
    private var statistics = Buffer<Float>(zeros: 0)
    private var coefficients = Buffer<Float>(zeros: 0)
    private var sampleSums = Buffer<Double>(zeros: 0)
    private var laneSums = Buffer<Double>(zeros: 0)
    private var groupSums = Buffer<Double>(zeros: 0)

    init(_ name: String, channels: Int, positions: Int, in store: ParameterStore) {
        self.channels = channels
        self.positions = positions
        scale = store.parameter("\(name).weight", shape: [channels], .constant(1))
        shift = store.parameter("\(name).bias", shape: [channels], .constant(0))
        runningMean = store.statistic("\(name).running_mean", count: channels, .constant(0))
        runningVariance = store.statistic("\(name).running_var", count: channels, .constant(1))
        store.batchCounter("\(name).num_batches_tracked")
    }

    /// Overwrites `output` with the normalised input, plus `residual` if it is not empty, rectified if asked.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, positions, C]`.
    ///   - output: Shape of `input`.
    func forward(
        _ input: borrowing Buffer<Float>, residual: borrowing Buffer<Float>, rectifies: Bool,
        store: ParameterStore, into output: inout Buffer<Float>, _ pass: Pass
    ) throws {
        let groups = pass.mode == .training ? pass.placement.groups : wholeBatch(pass)
        if pass.mode == .training {
            try measure(input, store: store, pass)
        } else {
            useRunningStatistics(store)
        }
        setForwardCoefficients(groups: groups.count, store: store)
        normalize(input, residual, coefficients, groups, rectifies: rectifies, into: &output, pass)
    }

    /// Overwrites `inputGradient`, and the scale's and shift's parts of `store.gradients`.
    ///
    /// - Parameters:
    ///   - input: What the forward pass normalised.
    ///   - output: The forward pass's rectified output, or empty if it was not rectified.
    ///   - gradient: Gradient of the output; set to 0 where the output was rectified.
    func backward(
        input: borrowing Buffer<Float>, output: borrowing Buffer<Float>, gradient: inout Buffer<Float>,
        store: ParameterStore, into inputGradient: inout Buffer<Float>, _ pass: Pass
    ) throws {
        let groups = pass.placement.groups
        maskAndSum(input, output, &gradient, statistics, into: &sampleSums, groups, pass)
        sumInLanes(&sampleSums, into: &laneSums, pass)
        setParameterGradients(laneSums, &store.gradients, pass)
        try sumGroups(laneSums, into: &groupSums, pass)
        setBackwardCoefficients(groups: groups, store: store)
        differentiate(input, gradient, coefficients, groups, into: &inputGradient, pass)
    }

    private func normalize(
        _ input: borrowing Buffer<Float>, _ residual: borrowing Buffer<Float>,
        _ coefficients: borrowing Buffer<Float>, _ groups: SampleGroups, rectifies: Bool,
        into output: inout Buffer<Float>, _ pass: Pass
    ) {
        let count = pass.sampleCount * positions * channels
        output.reserve(count)
        let input = input.span
        let residual = residual.span
        let coefficients = coefficients.span
        var whole = output.mutableSpan
        var used = whole.part(0..<count)
        normalizeChannels(
            input, coefficients: coefficients, groups: groups, channels: channels, positions: positions,
            residual: residual, rectifies: rectifies, into: &used, on: pass.pool)
    }

    private func differentiate(
        _ input: borrowing Buffer<Float>, _ gradient: borrowing Buffer<Float>,
        _ coefficients: borrowing Buffer<Float>, _ groups: SampleGroups,
        into inputGradient: inout Buffer<Float>, _ pass: Pass
    ) {
        let count = pass.sampleCount * positions * channels
        inputGradient.reserve(count)
        let input = input.span
        let gradient = gradient.span
        let coefficients = coefficients.span
        var whole = inputGradient.mutableSpan
        var used = whole.part(0..<count)
        normalizationInputGradient(
            input: input, gradient: gradient, coefficients: coefficients, groups: groups,
            channels: channels, positions: positions, into: &used, on: pass.pool)
    }

    /// One group for every sample, as evaluation has it.
    private func wholeBatch(_ pass: Pass) -> SampleGroups {
        SampleGroups(size: max(pass.sampleCount, 1), sampleCount: max(pass.sampleCount, 1), firstSample: 0)
    }
}

// MARK: - Statistics

extension BatchNormalization2D {
    private func measure(_ input: borrowing Buffer<Float>, store: ParameterStore, _ pass: Pass) throws {
        sumSamples(input, into: &sampleSums, pass)
        sumInLanes(&sampleSums, into: &laneSums, pass)
        try sumGroups(laneSums, into: &groupSums, pass)
        let groups = pass.placement.groups
        statistics.reserve(groups.count * 2 * channels)
        followGroups(groupSums, groups, into: &statistics, running: &store.statistics)
    }

    private func sumSamples(
        _ input: borrowing Buffer<Float>, into sums: inout Buffer<Double>, _ pass: Pass
    ) {
        sums.reserve(pass.sampleCount * 2 * channels)
        let input = input.span
        var whole = sums.mutableSpan
        var used = whole.part(0..<pass.sampleCount * 2 * channels)
        channelSums(input, channels: channels, positions: positions, into: &used, on: pass.pool)
    }

    private func maskAndSum(
        _ input: borrowing Buffer<Float>, _ output: borrowing Buffer<Float>,
        _ gradient: inout Buffer<Float>, _ statistics: borrowing Buffer<Float>,
        into sums: inout Buffer<Double>, _ groups: SampleGroups, _ pass: Pass
    ) {
        let count = pass.sampleCount * 2 * channels
        sums.reserve(count)
        let input = input.span
        let output = output.span
        let statistics = statistics.span
        var wholeGradient = gradient.mutableSpan
        var usedGradient = wholeGradient.part(0..<pass.sampleCount * positions * channels)
        var whole = sums.mutableSpan
        var used = whole.part(0..<count)
        maskAndSumChannelGradients(
            input: input, output: output, statistics: statistics, groups: groups, channels: channels,
            positions: positions, gradient: &usedGradient, into: &used, on: pass.pool)
    }

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

    /// Sums each group's lanes over all ranks, all groups in one message.
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
        try pass.sumAcrossRanks(&used)
    }

    /// Means and deviations from sums and sums of squares; moves the running statistics towards them.
    private func followGroups(
        _ sums: borrowing Buffer<Double>, _ groups: SampleGroups, into statistics: inout Buffer<Float>,
        running: inout Buffer<Float>
    ) {
        let sums = sums.span
        var own = statistics.mutableSpan
        var running = running.mutableSpan
        for c in 0..<channels {
            var meanOfGroups = 0.0
            var varianceOfGroups = 0.0
            for group in 0..<groups.count {
                let count = Double(groups.sampleCount(in: group) * positions)
                let first = group * 2 * channels
                let mean = sums[first + c] / count
                let variance = max(sums[first + channels + c] / count - mean * mean, 0)
                own[first + c] = Float(mean)
                own[first + channels + c] = Float(1 / (variance + Self.epsilon).squareRoot())
                meanOfGroups += mean
                varianceOfGroups += variance * (count / max(count - 1, 1))
            }
            let share = Self.momentum / Float(groups.count)
            let meanPlace = runningMean.lowerBound + c
            let variancePlace = runningVariance.lowerBound + c
            running[meanPlace] = (1 - Self.momentum) * running[meanPlace] + share * Float(meanOfGroups)
            running[variancePlace] =
                (1 - Self.momentum) * running[variancePlace] + share * Float(varianceOfGroups)
        }
    }

    private func useRunningStatistics(_ store: ParameterStore) {
        statistics.reserve(2 * channels)
        copyRunning(store.statistics, into: &statistics)
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
    private func setForwardCoefficients(groups: Int, store: ParameterStore) {
        coefficients.reserve(groups * 2 * channels)
        fillForward(statistics, store.values, into: &coefficients, groups: groups)
    }

    private func fillForward(
        _ statistics: borrowing Buffer<Float>, _ parameters: borrowing Buffer<Float>,
        into coefficients: inout Buffer<Float>, groups: Int
    ) {
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

    private func setBackwardCoefficients(groups: SampleGroups, store: ParameterStore) {
        coefficients.reserve(groups.count * 3 * channels)
        fillBackward(statistics, groupSums, store.values, into: &coefficients, groups: groups)
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

    /// The scale's and shift's gradients: lane sums in single precision, added up by the tree.
    private func setParameterGradients(
        _ lanes: borrowing Buffer<Double>, _ gradients: inout Buffer<Float>, _ pass: Pass
    ) {
        let laneCount = pass.placement.lanes.count
        let lanes = lanes.span
        var singles = Buffer<Float>(zeros: laneCount * 2 * channels)
        var own = singles.mutableSpan
        for i in 0..<laneCount * 2 * channels { own[i] = Float(lanes[i]) }
        var sum = Buffer<Float>(zeros: 2 * channels)
        var sumSpan = sum.mutableSpan
        sumLanes(own.span, laneCount: laneCount, into: &sumSpan, on: pass.pool)
        var all = gradients.mutableSpan
        for c in 0..<channels {
            all[shift.lowerBound + c] = sumSpan[c]
            all[scale.lowerBound + c] = sumSpan[channels + c]
        }
    }
}
