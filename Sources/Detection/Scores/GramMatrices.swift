internal import Cluster
package import Inference
internal import Kernels
internal import Memory
internal import Networks
internal import Numerics

extension ScoreDefinition {
    /// Negated deviation of channel correlations from the predicted class's range.
    public static let gram = ScoreDefinition(
        "gram",
        "−Σ over layers of how far the channels' correlations leave the predicted class's range, over max p",
        citation: "Sastry & Oore, ICML 2020, arXiv 1912.12510, section 3", fittedOn: .trainingFeatures,
        traits: ScoreTraits(
            passes: "1 more forward pass for each image scored, 2 for each training image")
    ) { try GramMatrices($1) }
}

/// `gram`: the negated deviation of every layer's channel correlations from the range that training
/// images of the predicted class have, divided by the largest probability.
///
/// Sastry, Oore: "Detecting out-of-distribution examples with Gram matrices", ICML 2020, arXiv
/// 1912.12510, section 3. It uses powers 1 to 5 and the row sums of each Gram matrix, for the
/// output of every convolution and of every ReLU that is a module of the original network. The end
/// of a range may be a sum whose terms nearly cancel (for one of the 43,000 ends of a real
/// ResNet-20 the terms are 88,000 times as large as the sum), and a deviation is divided by that
/// end. There the single-precision rounding of the convolutions, with any algorithm, moves
/// confidences by some thousandths. The ranges come from nine tenths of the training images; the
/// mean deviation of the others normalises each layer's deviation.
package struct GramMatrices: Score {
    package let probe: (any NetworkProbe)?

    /// Collective; reads the training images twice. Holds `8 K W` bytes, where `W` is five times
    /// the number of channels of all layers.
    package init(_ fit: FitContext) throws {
        let training = fit.training
        let classes = training.head.classes
        var (lows, highs): ([Float], [Float]) = ([], [])
        var counts = [Int64](repeating: 0, count: classes)
        let width = fit.network.gramShape.width
        lows = [Float](repeating: .infinity, count: classes * width)
        highs = [Float](repeating: -.infinity, count: classes * width)
        try fit.forEachCapturedTrainingBatch(GramSums()) { records, values in
            for (row, record) in records.enumerated() where !fit.isHeldOut(record) {
                let first = Int(training.labels[record]) * width
                counts[Int(training.labels[record])] += 1
                for j in 0..<width {
                    let value = values[row * width + j]
                    lows[first + j] = min(lows[first + j], value)
                    highs[first + j] = max(highs[first + j], value)
                }
            }
        }
        var span = counts.mutableSpan
        try fit.communicator.treeSum(&span)
        if let empty = counts.firstIndex(of: 0) {
            throw FitError(
                score: .gram,
                reason: """
                    class \(empty) has no record among the nine tenths of the training set that ranges are computed from, expected \
                    at least one of each class; leave the score out or use the whole set
                    """)
        }
        for k in 0..<classes {
            let range = k * width..<(k + 1) * width
            lows.replaceSubrange(range, with: try fit.fold(lows[range], min))
            highs.replaceSubrange(range, with: try fit.fold(highs[range], max))
        }
        let ranges = GramRanges(layers: fit.network.gramShape.layers, lows: lows, highs: highs)
        probe = GramDeviation(ranges: ranges, scale: try Self.scale(ranges, fit))
    }

    /// The mean deviation of the held-out training images for each layer, shape `[layers]`.
    private static func scale(_ ranges: GramRanges, _ fit: FitContext) throws -> [Double] {
        let training = fit.training
        let layers = ranges.layers.count
        let width = fit.network.gramShape.width
        var deviations = [[Double]?](repeating: nil, count: training.count)
        try fit.forEachCapturedTrainingBatch(GramSums()) { records, values in
            for (row, record) in records.enumerated() where fit.isHeldOut(record) {
                deviations[record] = ranges.deviations(
                    values[row * width..<(row + 1) * width], class: Int(training.labels[record]))
            }
        }
        let sums = try training.treeSum(width: layers + 1, on: fit.communicator) { records, sums in
            for record in records {
                guard let own = deviations[record] else { continue }
                for layer in 0..<layers { sums[layer] += own[layer] }
                sums[layers] += 1
            }
        }
        let scale = sums.dropLast().map { $0 / sums[layers] }
        guard scale.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw FitError(
                score: .gram,
                reason: """
                    in some layer none of the \(Int(sums[layers])) held-out training images leaves the range of the \
                    others, expected at least one; use a larger training set
                    """)
        }
        return scale
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) { input.copyCaptured(into: &confidences, &predictions) }
}

extension FitContext {
    /// Whether a record of the rank's shard belongs to the held-out tenth, which the ranges are not
    /// computed from.
    fileprivate func isHeldOut(_ record: Int) -> Bool { isInTenth(firstTrainingRecord + record) }

    /// The values of all ranks, reduced element by element with `join`. Collective.
    fileprivate func fold(_ values: ArraySlice<Float>, _ join: (Float, Float) -> Float) throws -> [Float] {
        let own = Array(values)
        let all = try communicator.allGather(own.span)
        var result = own
        for start in stride(from: 0, to: all.count, by: own.count) {
            for j in own.indices { result[j] = join(result[j], all[start + j]) }
        }
        return result
    }
}

/// The range of each value for each class.
struct GramRanges: Sendable {
    /// The indices of each layer's values.
    let layers: [Range<Int>]
    /// Shape `[K, W]`.
    let lows: [Float]
    let highs: [Float]

    /// The deviation of the values from the range of a class, divided by the ends of the range and
    /// summed over each layer; shape `[layers]`.
    func deviations(_ values: ArraySlice<Float>, class k: Int) -> [Double] {
        let (start, first) = (values.startIndex, k * values.count)
        return layers.map { layer in
            var sum = 0.0
            for j in layer {
                let value = Double(values[start + j])
                let (low, high) = (Double(lows[first + j]), Double(highs[first + j]))
                if value < low { sum += (low - value) / abs(low + 1e-6) }
                if value > high { sum += (value - high) / abs(high + 1e-6) }
                if value.isNaN { sum = .nan }
            }
            return sum
        }
    }
}

extension InspectedNetwork {
    /// The highest power.
    static let gramPowers = 5

    /// The indices of the values of each layer that `gram` uses, and the total number of values.
    var gramShape: (layers: [Range<Int>], width: Int) {
        var layers: [Range<Int>] = []
        var width = 0
        for channels in classifier.observedChannels(relus: classifier.hasReLUModules) {
            layers.append(width..<width + channels * Self.gramPowers)
            width += channels * Self.gramPowers
        }
        return (layers, width)
    }
}

/// The row sums of each layer's Gram matrices, shape `[N, W]`.
private struct GramSums: NetworkProbe {
    let key = "gram sums"

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        let (count, width) = (input.count, network.gramShape.width)
        let seesReLUs = network.classifier.hasReLUModules
        var result = [Float](repeating: 0, count: count * width)
        var first = 0
        _ = try network.classifier.features(images: images, network.context(count, .inspection)) { layer in
            guard layer.kind == .convolution || (seesReLUs && layer.kind == .relu) else { return }
            let size = layer.channels * InspectedNetwork.gramPowers
            for sample in 0..<count {
                let sums = gramSums(layer.map(ofSample: sample), channels: layer.channels)
                for j in 0..<size { result[sample * width + first + j] = sums[j] }
            }
            first += size
        }
        return result
    }
}

/// The row sums of the Gram matrix of an activation map raised to powers 1 to 5, each followed by
/// the root of the same degree; shape `[5, C]`.
///
/// The sum of row `c` is `Σₛ f(s, c) Σ₍c′₎ f(s, c′)`, so the matrix is never formed.
private func gramSums(_ map: [Float], channels: Int) -> [Float] {
    var result: [Float] = []
    for power in 1...InspectedNetwork.gramPowers {
        var sums = [Double](repeating: 0, count: channels)
        var raised = [Double](repeating: 0, count: channels)
        for place in stride(from: 0, to: map.count, by: channels) {
            var total = 0.0
            for c in 0..<channels {
                let value = Double(map[place + c])
                var product = value
                for _ in 1..<power { product *= value }
                raised[c] = product
                total += product
            }
            for c in 0..<channels { sums[c] += raised[c] * total }
        }
        for sum in sums {
            let root = Numerics.power(abs(sum), 1 / Double(power))
            result.append(Float(sum < 0 ? -root : root))
        }
    }
    return result
}

/// The confidence and the predicted class, shape `[N, 2]`.
private struct GramDeviation: NetworkProbe {
    let ranges: GramRanges
    let scale: [Double]

    let key = "gram deviation"

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        let sums = try GramSums().values(of: images, input, in: network)
        let width = network.gramShape.width
        var result: [Float] = []
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let predicted = indexOfMaximum(row)
            let largest = Double(1 / exponentialSum(row, below: row[predicted]))
            let deviations = ranges.deviations(sums[sample * width..<(sample + 1) * width], class: predicted)
            let total = zip(deviations, scale).reduce(0) { $0 + $1.0 / $1.1 }
            result += [Float(-total / largest), Float(predicted)]
        }
        return result
    }
}
