internal import Inference
internal import Kernels
internal import Numerics

extension ScoreInput {
    /// The raw feature of one sample, shape `[D]`.
    @_lifetime(copy self)
    func features(of sample: Int) -> Span<Float> {
        features.extracting(sample * head.dimension..<(sample + 1) * head.dimension)
    }

    /// Overwrites confidences with the log-sum-exp of `head`'s logits of changed features, and
    /// predictions with the argmax of these logits.
    ///
    /// - Parameters:
    ///   - head: Has the dimension and classes of the input's head.
    ///   - change: Changes one sample's feature, shape `[D]`.
    func energies(
        head: ScoringHead, confidences: inout MutableSpan<Double>, predictions: inout MutableSpan<Int32>,
        change: (inout [Float]) -> Void
    ) {
        forEachLogits(head: head, change: change) { sample, logits in
            let predicted = indexOfMaximum(logits)
            let largest = logits[predicted]
            confidences[sample] = Double(largest + logarithm(exponentialSum(logits, below: largest)))
            predictions[sample] = Int32(predicted)
        }
    }

    /// Overwrites confidences with the log-sum-exp of the logits times a factor, and predictions with
    /// the argmax of these products.
    ///
    /// - Parameter factor: Of a sample's number and feature, shape `[D]`.
    func energiesOfScaledLogits(
        confidences: inout MutableSpan<Double>, predictions: inout MutableSpan<Int32>,
        factor: (_ sample: Int, _ feature: [Float]) -> Float
    ) {
        for sample in 0..<count {
            let (row, own) = (logits(of: sample), features(of: sample))
            let factor = factor(sample, own.indices.map { own[$0] })
            let scaled = row.indices.map { row[$0] * factor }
            let predicted = indexOfMaximum(scaled.span)
            confidences[sample] = Double(
                scaled[predicted] + logarithm(exponentialSum(scaled.span, below: scaled[predicted])))
            predictions[sample] = Int32(predicted)
        }
    }

    /// Calls `body` for each sample with `head`'s logits of the changed feature.
    ///
    /// - Parameters:
    ///   - head: Has the dimension and classes of the input's head.
    ///   - change: Changes one sample's feature, shape `[D]`.
    func forEachLogits(
        head: ScoringHead, change: (inout [Float]) -> Void,
        _ body: (_ sample: Int, _ logits: Span<Float>) -> Void
    ) {
        var feature = [Float](repeating: 0, count: head.dimension)
        var logits = [Float](repeating: 0, count: head.classes)
        for sample in 0..<count {
            let row = features(of: sample)
            for j in row.indices { feature[j] = row[j] }
            change(&feature)
            head.fillLogits(of: feature.span, into: &logits)
            body(sample, logits.span)
        }
    }
}

extension ScoringHead {
    /// The logits of one feature, each summed in double precision.
    fileprivate func fillLogits(of feature: Span<Float>, into logits: inout [Float]) {
        let weights = weights.span
        for k in 0..<classes {
            let row = weights.extracting(k * dimension..<(k + 1) * dimension)
            var sum = Double(bias[k])
            for j in row.indices { sum += Double(row[j]) * Double(feature[j]) }
            logits[k] = Float(sum)
        }
    }
}

/// The largest features of one sample.
struct LargestFeatures {
    /// Sum of all features; NaN if any feature is NaN.
    let sum: Double
    /// Sum of the kept features.
    let largestSum: Double
    /// The smallest kept feature.
    let threshold: Float
    /// How many features are kept.
    let keptCount: Int
    /// How many features equal to the threshold are kept; the first ones are.
    private let keptAtThreshold: Int

    /// - Parameter percentile: Percentage of features that are not kept; at least one feature is
    ///   kept. Halves are rounded to even, as in PyTorch and NumPy.
    init(of feature: [Float], percentile: Double) {
        let count = feature.count
        let dropped = (Double(count) * percentile / 100).rounded(.toNearestOrEven)
        keptCount = max(count - Int(dropped), 1)
        var sum = 0.0
        for value in feature { sum += Double(value) }
        self.sum = sum
        let sorted = feature.sorted(by: >)
        threshold = sorted[keptCount - 1]
        var largestSum = 0.0
        var atThreshold = 0
        for value in sorted[..<keptCount] {
            largestSum += Double(value)
            if value == threshold { atThreshold += 1 }
        }
        self.largestSum = largestSum
        keptAtThreshold = atThreshold
    }

    /// The sum of all features over the sum of the largest; `nil` if the largest sum to 0 or the
    /// sum of all is not finite.
    var ratio: Double? { sum.isFinite && largestSum != 0 ? sum / largestSum : nil }

    /// Calls `body` for each feature with its value and whether it is kept.
    func forEach(_ feature: inout [Float], _ body: (_ value: inout Float, _ isKept: Bool) -> Void) {
        var left = keptAtThreshold
        for j in feature.indices {
            var isKept = feature[j] > threshold
            if feature[j] == threshold && left > 0 {
                isKept = true
                left -= 1
            }
            body(&feature[j], isKept)
        }
    }
}
