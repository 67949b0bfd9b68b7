import Kernels
import TestSupport
import Testing
import Workers

/// Two groups, of three samples and of one: the last group of a short batch.
private let groups = SampleGroups(size: 3, sampleCount: 4, firstSample: 0)
private let samples = groups.sampleCount

struct BatchNormalizationTests {
    @Test(arguments: [1, 3, 16, 17, 64], [2, 9, 16])
    func sumsAreThoseOfEachSample(channels: Int, positions: Int) {
        let input = testValues(count: samples * positions * channels, stream: 1, offset: 3)
        let sums = overwrittenDoubles(samples * 2 * channels) {
            channelSums(
                input.span, channels: channels, positions: positions, into: &$0, on: WorkerPool(threads: 2))
        }
        let expected = (0..<samples).flatMap { sample in
            let rows = input.doubles[sample * positions * channels..<(sample + 1) * positions * channels]
            let sums = (0..<channels).map { c in strided(rows, channels, c).reduce(0, +) }
            let squares = (0..<channels).map { c in strided(rows, channels, c).reduce(0) { $0 + $1 * $1 } }
            return sums + squares
        }
        #expect(relativeError(sums, expected) < 1e-14)
    }

    @Test(arguments: [1, 3, 16, 17, 64], [2, 9, 16])
    func normalisingByGroupMatchesThePlainTwin(channels: Int, positions: Int) {
        let example = Example(channels: channels, positions: positions)
        let residual = testValues(count: example.input.count, stream: 5)
        let plain = example.plainOutput()
        for (added, rectifies) in [([], false), ([], true), (residual, false), (residual, true)] {
            let output = overwritten(example.input.count) {
                normalizeChannels(
                    example.input.span, coefficients: example.forwardCoefficients.span, groups: groups,
                    channels: channels, positions: positions, residual: added.span, rectifies: rectifies,
                    into: &$0, on: WorkerPool(threads: 2))
            }
            let sum = added.isEmpty ? plain : zip(plain, added).map { $0 + Double($1) }
            #expect(relativeError(output, rectifies ? plainRectifier(sum) : sum) < 1e-6)
        }
    }

    @Test(arguments: [1, 3, 16, 17, 64], [2, 9, 16])
    func gradientsMatchThePlainTwin(channels: Int, positions: Int) {
        let example = Example(channels: channels, positions: positions)
        let output = plainRectifier(example.plainOutput())
        let pool = WorkerPool(threads: 2)
        var gradient = testValues(count: example.input.count, stream: 6)
        let masked = zip(gradient.doubles, output).map { $1 > 0 ? $0 : 0 }
        var sums = [Double](repeating: .nan, count: samples * 2 * channels)
        var gradientSpan = gradient.mutableSpan
        var sumSpan = sums.mutableSpan
        maskAndSumChannelGradients(
            input: example.input.span, output: output.floats.span, statistics: example.statistics.span,
            groups: groups, channels: channels, positions: positions, gradient: &gradientSpan,
            into: &sumSpan, on: pool)
        #expect(gradient.doubles == masked)

        let coefficients = example.backwardCoefficients(sums)
        let inputGradient = overwritten(example.input.count) {
            normalizationInputGradient(
                input: example.input.span, gradient: gradient.span, coefficients: coefficients.span,
                groups: groups, channels: channels, positions: positions, into: &$0, on: pool)
        }
        for group in 0..<groups.count {
            let range = example.elements(ofGroup: group)
            let expected = plainBatchNormalizationGradient(
                Array(masked[range]), input: example.input[range].doubles, weight: example.weight.doubles)
            // In a group of two rows almost everything cancels, and the mean may be many deviations: the error is
            // that of the terms.
            let difference = zip(inputGradient[range].doubles, expected.input).map { $0 - $1 }
            let slopes = example.slopes(group)
            let largest = range.map { masked[$0] * slopes[$0 % channels] }
            #expect(euclideanNorm(difference) < 1e-5 * euclideanNorm(largest))
            let total = example.total(of: group, sums)
            #expect(relativeError(total, expected.bias + expected.weight) < 5e-6)
        }
    }

    @Test func theUnrectifiedGradientIsLeftAsItIs() {
        let example = Example(channels: 3, positions: 4)
        let before = testValues(count: example.input.count, stream: 6)
        var gradient = before
        var sums = [Double](repeating: .nan, count: samples * 6)
        var gradientSpan = gradient.mutableSpan
        var sumSpan = sums.mutableSpan
        maskAndSumChannelGradients(
            input: example.input.span, output: [Float]().span, statistics: example.statistics.span,
            groups: groups, channels: 3, positions: 4, gradient: &gradientSpan, into: &sumSpan,
            on: WorkerPool(threads: 1))
        #expect(gradient == before)
        #expect(sums.allSatisfy { $0.isFinite })
    }
}

private func strided(_ rows: ArraySlice<Double>, _ channels: Int, _ channel: Int) -> [Double] {
    stride(from: rows.startIndex + channel, to: rows.endIndex, by: channels).map { rows[$0] }
}

/// Inputs, and the statistics and coefficients that a layer would compute from them.
private struct Example {
    let channels: Int, positions: Int
    let input: [Float], weight: [Float], bias: [Float]

    init(channels: Int, positions: Int) {
        self.channels = channels
        self.positions = positions
        input = testValues(count: groups.sampleCount * positions * channels, stream: 1, scale: 2, offset: 0.5)
        weight = testValues(count: channels, stream: 2, scale: 0.5, offset: 1)
        bias = testValues(count: channels, stream: 3)
    }

    func samples(ofGroup group: Int) -> Range<Int> {
        group * groups.size..<group * groups.size + groups.sampleCount(in: group)
    }

    func elements(ofGroup group: Int) -> Range<Int> {
        let range = samples(ofGroup: group)
        return range.lowerBound * positions * channels..<range.upperBound * positions * channels
    }

    private func plain(_ group: Int) -> PlainBatchNormalization {
        PlainBatchNormalization(
            input[elements(ofGroup: group)].doubles, weight: weight.doubles, bias: bias.doubles)
    }

    func plainOutput() -> [Double] { (0..<groups.count).flatMap { plain($0).output } }

    private func inverse(_ group: Int) -> [Double] {
        plain(group).variance.map { 1 / ($0 + 1e-5).squareRoot() }
    }

    /// `γ/σ` of each channel.
    func slopes(_ group: Int) -> [Double] { zip(weight, inverse(group)).map { Double($0) * $1 } }

    /// Mean, then 1 / standard deviation, of each group.
    var statistics: [Float] { (0..<groups.count).flatMap { (plain($0).mean + inverse($0)).floats } }

    /// Scale, then shift, of each group.
    var forwardCoefficients: [Float] {
        (0..<groups.count).flatMap { group -> [Float] in
            let (mean, inverse) = (plain(group).mean, inverse(group))
            var scale: [Double] = []
            var shift: [Double] = []
            for c in 0..<channels {
                scale.append(Double(weight[c]) * inverse[c])
                shift.append(Double(bias[c]) - mean[c] * scale[c])
            }
            return (scale + shift).floats
        }
    }

    /// `a`, `b`, `c` of each group: `γ/σ (g − mean(g) − x̂ mean(g x̂))` as `a g + b x + c`.
    func backwardCoefficients(_ sums: [Double]) -> [Float] {
        (0..<groups.count).flatMap { group -> [Float] in
            let total = total(of: group, sums)
            let rows = Double(groups.sampleCount(in: group) * positions)
            let (mean, inverse) = (plain(group).mean, inverse(group))
            var coefficients = [Double](repeating: 0, count: 3 * channels)
            for i in 0..<channels {
                let a = Double(weight[i]) * inverse[i]
                let b = -a * inverse[i] * total[channels + i] / rows
                coefficients[i] = a
                coefficients[channels + i] = b
                coefficients[2 * channels + i] = -a * total[i] / rows - b * mean[i]
            }
            return coefficients.floats
        }
    }

    /// The sum of a group's samples, of `[N, 2, C]`.
    func total(of group: Int, _ sums: [Double]) -> [Double] {
        let count = 2 * channels
        return plainTreeSum(samples(ofGroup: group).map { Array(sums[$0 * count..<($0 + 1) * count]) })
    }
}
