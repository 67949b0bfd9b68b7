internal import Kernels
internal import Memory

/// The formulas of batch normalisation, from sums to statistics, coefficients and gradients.
///
/// Parameters have the shape `[2, C]`: scale, then shift. Statistics have the shape
/// `[groups, 2, C]`: mean, then 1 / standard deviation.
struct BatchStatistics: Sendable {
    private static let epsilon = 1e-5
    private static let momentum: Float = 0.1

    let channels: Int
    let positions: Int

    // MARK: - Statistics

    /// Overwrites `sums`, shape `[groups, 2, C]`, with each group's sum over the rank's
    /// microbatches, shape `[microbatches, 2, C]`; −0.0 for groups of other ranks.
    func sumGroups(
        _ microbatches: Span<Double>, _ placement: BatchPlacement, into sums: inout MutableSpan<Double>
    ) {
        let count = 2 * channels
        for group in 0..<placement.groups.count {
            var own = sums.part(group * count..<(group + 1) * count)
            sumMicrobatches(
                microbatches, microbatchCount: placement.microbatches.count,
                in: placement.microbatches(inGroup: group), into: &own)
        }
    }

    /// Computes each group's means and inverse standard deviations from the sums and sums of
    /// squares, shape `[groups, 2, C]`.
    func computeStatistics(
        of groups: SampleGroups, sums: Span<Double>, into statistics: inout MutableSpan<Float>
    ) {
        for group in 0..<groups.count {
            let first = group * 2 * channels
            for c in 0..<channels {
                let (mean, variance, _) = moments(of: c, sums, group, groups)
                statistics[first + c] = Float(mean)
                statistics[first + channels + c] = Float(1 / (variance + Self.epsilon).squareRoot())
            }
        }
    }

    /// Updates the running statistics with the means over the groups.
    ///
    /// - Parameters:
    ///   - running: Shape `[2, C]`: mean, then variance.
    ///   - sums: Shape `[groups, 2, C]`.
    func updateRunning(
        _ running: inout MutableSpan<Float>, with sums: Span<Double>, _ groups: SampleGroups
    ) {
        let share = Self.momentum / Float(groups.count)
        for c in 0..<channels {
            var meanOfGroups = 0.0
            var varianceOfGroups = 0.0
            for group in 0..<groups.count {
                let (mean, variance, count) = moments(of: c, sums, group, groups)
                meanOfGroups += mean
                varianceOfGroups += variance * (count / max(count - 1, 1))
            }
            running[c] = (1 - Self.momentum) * running[c] + share * Float(meanOfGroups)
            running[channels + c] =
                (1 - Self.momentum) * running[channels + c] + share * Float(varianceOfGroups)
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

    /// Overwrites the statistics of one group with the running ones, shape `[2, C]`: mean, then
    /// variance.
    func readRunning(_ running: Span<Float>, into statistics: inout MutableSpan<Float>) {
        for c in 0..<channels {
            statistics[c] = running[c]
            let variance = Double(running[channels + c])
            statistics[channels + c] = Float(1 / (variance + Self.epsilon).squareRoot())
        }
    }

    // MARK: - Coefficients

    /// Overwrites `coefficients`, shape `[groups, 2, C]`, with the factor and the addend that
    /// normalise an input.
    func fillForward(
        _ statistics: Span<Float>, _ parameters: Span<Float>, groups: Int,
        into coefficients: inout MutableSpan<Float>
    ) {
        for group in 0..<groups {
            let first = group * 2 * channels
            for c in 0..<channels {
                let factor = parameters[c] * statistics[first + channels + c]
                coefficients[first + c] = factor
                coefficients[first + channels + c] = parameters[channels + c] - statistics[first + c] * factor
            }
        }
    }

    /// `dx = γ/σ g` as `a g + b x + c`, shape `[3, C]`.
    func fillScale(
        _ statistics: Span<Float>, _ parameters: Span<Float>, into coefficients: inout MutableSpan<Float>
    ) {
        coefficients.update(repeating: 0)
        for c in 0..<channels { coefficients[c] = parameters[c] * statistics[channels + c] }
    }

    /// `dx = γ/σ (g − mean(g) − x̂ mean(g x̂))` as `a g + b x + c`, shape `[groups, 3, C]`.
    func fillBackward(
        _ statistics: Span<Float>, sums: Span<Double>, _ parameters: Span<Float>, _ groups: SampleGroups,
        into coefficients: inout MutableSpan<Float>
    ) {
        for group in 0..<groups.count {
            let count = Double(groups.sampleCount(in: group) * positions)
            let first = group * 2 * channels
            for c in 0..<channels {
                let mean = Double(statistics[first + c])
                let inverse = Double(statistics[first + channels + c])
                let a = Double(parameters[c]) * inverse
                let b = -a * inverse * sums[first + channels + c] / count
                coefficients[group * 3 * channels + c] = Float(a)
                coefficients[group * 3 * channels + channels + c] = Float(b)
                coefficients[group * 3 * channels + 2 * channels + c] =
                    Float(-a * sums[first + c] / count - b * mean)
            }
        }
    }

    // MARK: - Gradients

    /// Turns sums of `gradient · input` into sums of `gradient · normalised input`.
    ///
    /// - Parameter microbatches: Shape `[microbatches, 2, C]`: sums of gradients, then of products.
    func normalizeProducts(
        _ microbatches: inout MutableSpan<Double>, _ statistics: Span<Float>, _ placement: BatchPlacement
    ) {
        let groups = placement.groups
        for microbatch in 0..<placement.microbatches.count {
            let first = groups.group(of: microbatch * placement.microbatchSize) * 2 * channels
            let start = microbatch * 2 * channels
            for c in 0..<channels {
                let mean = Double(statistics[first + c])
                let inverse = Double(statistics[first + channels + c])
                microbatches[start + channels + c] =
                    (microbatches[start + channels + c] - mean * microbatches[start + c]) * inverse
            }
        }
    }

    /// Overwrites the parameters' gradients, scale first, with sums of shape `[2, C]`: of gradients,
    /// which are the shift's, then of products, which are the scale's.
    func copyGradients(_ sums: Span<Float>, into gradients: inout MutableSpan<Float>) {
        for c in 0..<channels {
            gradients[channels + c] = sums[c]
            gradients[c] = sums[channels + c]
        }
    }
}
